using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public sealed class ActivationMonitorTests : IDisposable
{
    private static readonly int[] Prompt = [2, 9, 76, 41, 9, 70, 44];

    private static readonly GenerationOptions Greedy = new()
    {
        MaxNewTokens = 8,
        Temperature = 0,
        StopTokens = [],
        Arithmetic = Arithmetic.Exact,
    };

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));
    private readonly SparseDictionary _dictionary = SparseDictionary.Load(
        Directory
            .EnumerateFiles(
                Fixtures.Path("evaluation", "spliced", "dictionaries", "gemma-scope-tiny-pt-res"),
                "params.*",
                SearchOption.AllDirectories
            )
            .Single(path => path.Contains($"{Path.DirectorySeparatorChar}layer_1", StringComparison.Ordinal)),
        new DictionaryLoadOptions { Site = Site.ResidPost(1) }
    );

    public void Dispose()
    {
        _dictionary.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void values_are_those_of_a_run_that_captures_beside_edits_and_with_features()
    {
        float[] first = Direction(1),
            second = Direction(2);
        Watch[] watches =
        [
            Watch.Direction("a", Site.ResidPre(1), first),
            Watch.OfFeature("f3", _dictionary, 3),
            Watch.Direction("b", Site.ResidPost(1), second),
            Watch.Direction("raw", Site.ResidPost(1), second, isUnit: false),
            Watch.OfFeature("f40", _dictionary, 40),
            Watch.Direction("end", new Site(SiteKind.FinalNormOut), first),
        ];
        Edit[] edits = [Edit.Add(Site.ResidPost(1), first, 3, 1..)];
        var trace = new MonitorTrace(watches.Length);
        var monitor = new ActivationMonitor(_model.Config, watches, trace.Add);
        var written = _model.Generate(Prompt, Greedy with { Edits = edits, Observer = monitor }).ToArray();
        Assert.Equal(_model.Generate(Prompt, Greedy with { Edits = edits }), written);
        Assert.Null(monitor.Stopped);

        int[] all = [.. Prompt, .. written];
        using var run = _model.Run(
            all,
            capture: watches.Select(watch => watch.Site).Distinct(),
            edits: edits,
            logits: LogitRows.All,
            arithmetic: Arithmetic.Exact
        );
        var features = _dictionary.Encode(run);
        // BOS is passed over, and the last token that was written was never read.
        Assert.Equal(Enumerable.Range(1, all.Length - 2), Enumerable.Range(0, trace.Count).Select(i => trace[i].Position));
        for (var i = 0; i < trace.Count; i++)
        {
            var position = trace[i].Position;
            Assert.Equal((all[position], position >= Prompt.Length), (trace[i].Token, trace[i].IsWritten));
            float Projection(Site site, float[] direction) =>
                TensorPrimitives.Dot<float>(run[site].Row(position), direction) / TensorPrimitives.Norm<float>(direction);
            Close(Projection(Site.ResidPre(1), first), trace.Values(i)[0]);
            Close(features.Value(position, 3), trace.Values(i)[1]);
            Close(Projection(Site.ResidPost(1), second), trace.Values(i)[2]);
            Close(Projection(Site.ResidPost(1), second) * TensorPrimitives.Norm<float>(second), trace.Values(i)[3]);
            Close(features.Value(position, 40), trace.Values(i)[4]);
            Close(Projection(new Site(SiteKind.FinalNormOut), first), trace.Values(i)[5]);
        }
    }

    [Fact]
    public void a_text_ends_at_the_first_token_above_or_at_the_end_of_a_streak()
    {
        var site = Site.ResidPost(2);
        var watch = Watch.Direction("a", site, Direction(1));
        var (trace, whole) = Traced(watch);
        var values = Enumerable.Range(0, trace.Count).Where(i => trace[i].IsWritten).Select(i => trace.Values(i)[0]).ToArray();
        // A threshold that a written token passes, and none before it.
        var peak = Array.IndexOf(values, values.Max());
        var below = values[..peak].Append(float.MinValue).Max();
        Watch stopping = watch with { StopAbove = (below + (double)values[peak]) / 2, OnlyWritten = true };
        var monitor = new ActivationMonitor(_model.Config, [stopping]);
        using var cache = _model.NewCache();
        var written = _model.Generate(Prompt, Greedy with { Observer = monitor }, cache).ToArray();
        Assert.Equal(whole[..(peak + 1)], written);
        Assert.Equal(
            (Prompt.Length + peak, whole[peak], values[peak]),
            (monitor.Stopped!.Position, monitor.Stopped.Token, monitor.Stopped.Value)
        );
        Assert.Contains($"a at {site} is", monitor.Stopped.Reason, StringComparison.Ordinal);
        // All that was written has been read, so that a conversation can go on from here.
        Assert.Equal(Prompt.Length + written.Length, cache.Length);

        var streak = new ActivationMonitor(_model.Config, [watch with { StopAbove = float.MinValue, Streak = 3, OnlyWritten = true }]);
        Assert.Equal(whole[..3], _model.Generate(Prompt, Greedy with { Observer = streak }));
        // It counts anew in each generation, and the prompt counts unless told otherwise.
        Assert.Equal(whole[..3], _model.Generate(Prompt, Greedy with { Observer = streak }));
        var early = new ActivationMonitor(_model.Config, [watch with { StopAbove = float.MinValue, Streak = 3 }]);
        Assert.Empty(_model.Generate(Prompt, Greedy with { Observer = early }));
        Assert.Equal(3, early.Stopped!.Position);
        // Of the prompt only what is a message's may count.
        early.Counted = [new(5, 6)];
        Assert.Equal(whole[..2], _model.Generate(Prompt, Greedy with { Observer = early }));
    }

    [Fact]
    public void texts_of_a_batch_have_their_own_values_and_ends()
    {
        var watch = Watch.Direction("a", Site.ResidPost(1), Direction(3));
        int[][] prompts = [Prompt, [2, 7], [2, 11, 12, 13, 14, 15, 16, 30], [2, 30, 31]];
        var alone = prompts.Select(prompt => Traced(watch, prompt)).ToArray();
        var trace = new MonitorTrace(1);
        var written = _model.GenerateMany(
            prompts,
            Greedy with
            {
                Observer = new ActivationMonitor(_model.Config, [watch], trace.Add),
            },
            together: 2
        );
        for (var text = 0; text < prompts.Length; text++)
        {
            var (one, tokens) = alone[text];
            Assert.Equal(tokens, written[text]);
            int[] rows = [.. Enumerable.Range(0, trace.Count).Where(i => trace[i].Text == text)];
            Assert.Equal(Enumerable.Range(0, one.Count).Select(i => one[i] with { Text = text }), rows.Select(i => trace[i]));
            foreach (var (i, row) in rows.Index())
                Close(one.Values(i)[0], trace.Values(row)[0]);
        }

        var most = alone.Select(one => Enumerable.Range(0, one.Trace.Count).Max(i => one.Trace.Values(i)[0])).ToArray();
        var threshold = (most.Order().ElementAt(2) + (double)most.Max()) / 2;
        var monitor = new ActivationMonitor(_model.Config, [watch with { StopAbove = threshold }]);
        var ended = _model.GenerateMany(prompts, Greedy with { Observer = monitor }, together: 2);
        var highest = Array.IndexOf(most, most.Max());
        Assert.Equal(highest, Assert.Single(monitor.Stops).Text);
        for (var text = 0; text < prompts.Length; text++)
            Assert.Equal(
                text == highest ? Math.Max(0, monitor.Stopped!.Position + 1 - prompts[text].Length) : written[text].Length,
                ended[text].Length
            );
    }

    [Fact]
    public void texts_are_read_without_writing_with_the_values_of_one_pass()
    {
        var direction = Direction(4);
        var site = Site.ResidMid(1);
        var trace = new MonitorTrace(1);
        var monitor = new ActivationMonitor(_model.Config, [Watch.Direction("a", site, direction)], trace.Add);
        int[][] texts = [Prompt, [2, 30, 31]];
        monitor.Read(_model, texts);
        using var run = _model.Run(texts, capture: [site]);
        Assert.Equal(8, trace.Count);
        for (var i = 0; i < trace.Count; i++)
            Close(
                TensorPrimitives.Dot<float>(run[site].Row(run.RowsOf(trace[i].Text).Start + trace[i].Position), direction)
                    / TensorPrimitives.Norm<float>(direction),
                trace.Values(i)[0]
            );
        new ActivationMonitor(_model.Config, [Watch.Direction("a", new Site(SiteKind.LnFinalNormalized), direction)]).Read(_model, texts);
    }

    [Fact]
    public void nothing_is_allocated_for_a_token()
    {
        var monitor = new ActivationMonitor(
            _model.Config,
            [Watch.Direction("a", Site.ResidPost(1), Direction(1)), Watch.OfFeature("f", _dictionary, 3)],
            _ => { }
        );
        Allocated(monitor, 40);
        var (few, many) = (Allocated(monitor, 8) - Allocated(null, 8), Allocated(monitor, 40) - Allocated(null, 40));
        // What a generation itself allocates may differ by a buffer that has grown.
        Assert.InRange(many - few, long.MinValue, 32 * 8);
    }

    [Fact]
    public void what_cannot_be_watched_is_refused()
    {
        var direction = Direction(1);
        void Refused(string words, params Watch[] watches) =>
            Assert.Contains(
                words,
                Assert.Throws<ArgumentProblemException>(() => new ActivationMonitor(_model.Config, watches)).Message,
                StringComparison.Ordinal
            );
        var good = Watch.Direction("a", Site.ResidPost(1), direction);
        Refused("nothing to watch");
        Refused("16 numbers, resid_post.1 of this model 32", Watch.Direction("a", Site.ResidPost(1), direction.AsMemory(0, 16)));
        Refused("no such site", Watch.Direction("a", Site.ResidPost(3), direction));
        Refused("no row for each token", Watch.Direction("a", new Site(SiteKind.AttnPattern, 1), direction));
        Refused(
            "no row for each token",
            Watch.Direction(
                "a",
                new Site(SiteKind.Logits),
                new float[200]
                    .Select(_ => 1f)
                    .ToArray()
            )
        );
        Refused("name of two", good, Watch.OfFeature("a", _dictionary, 3));
        Refused("not a number", good with { StopAbove = double.NaN });
        Refused("streak", good with { Streak = 0 });
        Assert.Throws<ArgumentProblemException>(() => Watch.Direction("a", Site.ResidPost(1), new float[32]));
        Assert.Throws<ArgumentProblemException>(() => Watch.OfFeature("a", _dictionary, _dictionary.Width));
        Assert.Throws<ArgumentProblemException>(() => Watch.Direction(" ", Site.ResidPost(1), direction));
    }

    private long Allocated(ActivationMonitor? monitor, int tokens)
    {
        using var cache = _model.NewCache();
        using var steps = _model.Generate(Prompt, Greedy with { MaxNewTokens = tokens, Observer = monitor }, cache).GetEnumerator();
        var before = GC.GetAllocatedBytesForCurrentThread();
        while (steps.MoveNext()) { }
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private (MonitorTrace Trace, int[] Written) Traced(Watch watch, int[]? prompt = null)
    {
        var trace = new MonitorTrace(1);
        var monitor = new ActivationMonitor(_model.Config, [watch], trace.Add);
        return (trace, [.. _model.Generate(prompt ?? Prompt, Greedy with { Observer = monitor })]);
    }

    private float[] Direction(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, _model.Config.Width).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static void Close(float want, float got) => Assert.Equal(want, got, 1e-4f * Math.Max(1, Math.Abs(want)));
}
