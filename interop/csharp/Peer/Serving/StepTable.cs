namespace Peer;

/// <summary>Creates the table of all steps, by name.</summary>
internal static class StepTable
{
    public static Dictionary<string, Step> Create(ObjectStore store)
    {
        var table = new Dictionary<string, Step>
        {
            ["ping"] = static _ => static writer => writer.WriteStringValue("pong"),
            ["reset"] = _ =>
            {
                store.Reset();
                return null;
            },
            ["stress"] = Stress.Run,
        };
        new MapSteps(store).AddTo(table);
        new ViewSteps(store).AddTo(table);
        new StreamSteps(store).AddTo(table);
        new ModelSteps(store).AddTo(table);
        CodecSteps.AddTo(table);
        new DefineStep().AddTo(table);
        ReflectStep.AddTo(table);
        ManifestStep.AddTo(table);
        new MarshalStep(store).AddTo(table);
        new ChannelSteps(store).AddTo(table);
        return table;
    }
}
