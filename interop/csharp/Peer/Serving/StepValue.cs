using System.Text.Json;

namespace Peer;

/// <summary>Writes the value of a step. The step has succeeded, so writing must not fail.</summary>
internal delegate void StepValue(Utf8JsonWriter writer);

/// <summary>Runs a step and returns its value, or null for the JSON null.</summary>
internal delegate StepValue? Step(StepArguments arguments);
