using System.Text.Json;

namespace Peer;

/// <summary>Writes a step's value. The step is over by then: writing can't fail half-way.</summary>
internal delegate void StepValue(Utf8JsonWriter writer);

/// <summary>A step: does its work and returns its value, null for the JSON null.</summary>
internal delegate StepValue? Step(StepArguments arguments);
