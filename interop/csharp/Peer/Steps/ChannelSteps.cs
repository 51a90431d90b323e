using SharedMemory;

namespace Peer;

/// <summary>Implements the steps with channels.</summary>
internal sealed class ChannelSteps(ObjectStore store)
{
    private readonly ChannelRuns _runs = new(store);
    private Dictionary<string, Step> _all = [];

    public void AddTo(Dictionary<string, Step> table)
    {
        Stepping.Prepare();
        _all = table;
        table["channel-create"] = arguments =>
            Keep(arguments, PeerChannels.Of(arguments).Create(arguments));
        table["channel-open"] = arguments => Keep(arguments, PeerChannels.Of(arguments).Open(arguments));
        table["channel-writer"] = arguments => Keep(arguments, Channel(arguments).OpenWriter());
        table["channel-reader"] = arguments => Keep(arguments, Channel(arguments).OpenReader());
        table["channel-viewer"] = arguments => Keep(arguments, Channel(arguments).OpenViewer());
        table["channel-publish"] = Publish;
        table["channel-loan"] = Loan;
        table["channel-read"] = arguments => Reader(arguments).Read(arguments);
        table["channel-wait"] = Wait;
        table["channel-hold"] = Hold;
        table["channel-release"] = Release;
        table["channel-state"] = State;
        table["channel-step"] = Step;
        table["channel-run"] = _runs.Run;
    }

    private StepValue? Keep(StepArguments arguments, IDisposable part)
    {
        store.Put(arguments.RequiredText("as"), part);
        return null;
    }

    private PeerChannel Channel(StepArguments arguments) =>
        store.Get<PeerChannel>(arguments.RequiredText("channel"));

    private PeerWriter Writer(StepArguments arguments) =>
        store.Get<PeerWriter>(arguments.RequiredText("writer"));

    private PeerReader Reader(StepArguments arguments) =>
        store.Get<PeerReader>(arguments.RequiredText("reader"));

    private StepValue Publish(StepArguments arguments)
    {
        PeerWriter writer = Writer(arguments);
        writer.Publish(arguments);
        long number = writer.Published;
        return answer => answer.WriteNumberValue(number);
    }

    private StepValue? Loan(StepArguments arguments)
    {
        Writer(arguments).Lend(arguments);
        return null;
    }

    private StepValue Wait(StepArguments arguments)
    {
        bool isNewer = Reader(arguments).Wait(Timeouts.Of(arguments));
        return answer => answer.WriteBooleanValue(isNewer);
    }

    private StepValue Hold(StepArguments arguments)
    {
        PeerReader reader = Reader(arguments);
        if (!arguments.Boolean("again"))
        {
            reader.Held = reader.Hold(Timeouts.Of(arguments));
        }

        FrameLease frame = reader.Held ?? throw new ProtocolException("no frame is held");
        long number = frame.SequenceNumber;
        uint tag = frame.Tag;
        string bytes = Hex.Encode(frame.Span);
        return answer =>
        {
            answer.WriteStartObject();
            answer.WriteNumber("number", number);
            answer.WriteNumber("tag", tag);
            answer.WriteString("bytes", bytes);
            answer.WriteEndObject();
        };
    }

    private StepValue? Release(StepArguments arguments)
    {
        PeerReader reader = Reader(arguments);
        reader.Held?.Dispose();
        reader.Held = null;
        return null;
    }

    private StepValue State(StepArguments arguments)
    {
        IDisposable target = store.Get(arguments.RequiredText("target"));
        return target switch
        {
            PeerReader reader => answer =>
            {
                answer.WriteStartObject();
                answer.WriteString("writer", StateName(reader.State));
                answer.WriteNumber("deaths", reader.Deaths);
                answer.WriteNumber("number", reader.Number);
                answer.WriteNumber("skipped", reader.Skipped);
                answer.WriteNumber("retries", reader.Retries);
                answer.WriteEndObject();
            },
            PeerWriter writer => answer =>
            {
                answer.WriteStartObject();
                answer.WriteNumber("published", writer.Published);
                answer.WriteNumber("epoch", writer.Epoch);
                answer.WriteEndObject();
            },
            _ => throw new ProtocolException("only readers and writers have a state"),
        };
    }

    private static string StateName(WriterState state) => state switch
    {
        WriterState.Alive => "alive",
        WriterState.Died => "died",
        WriterState.Closed => "closed",
        _ => "none",
    };

    private StepValue Step(StepArguments arguments)
    {
        var inner = new StepArguments(arguments.Required("step"));
        Step run = _all[inner.RequiredText("do")];
        List<string> done;
        Stepping.Begin(arguments.Int32("after", 0));
        try
        {
            _ = run(inner);
        }
        finally
        {
            done = Stepping.End();
        }

        return answer =>
        {
            answer.WriteStartArray();
            foreach (string step in done)
            {
                answer.WriteStringValue(step);
            }

            answer.WriteEndArray();
        };
    }
}
