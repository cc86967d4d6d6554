using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Features;

public sealed class FeatureStatisticsTests : IDisposable
{
    private static readonly string Folder = Fixtures.Path("features");

    private readonly TemporaryFolder _work = new();
    private readonly GemmaModel _model = GemmaModel.Load(Path.Combine(Folder, "host"));
    private readonly SparseDictionary[] _dictionaries =
    [
        SparseDictionary.Load(
            Path.Combine(Folder, "dictionaries/gemma_scope_1/gemma-scope-2b-pt-res/layer_1/width_16k/average_l0_3/params.npz")
        ),
        SparseDictionary.Load(
            Path.Combine(Folder, "dictionaries/gemma_scope_1/gemma-scope-2b-pt-att/layer_1/width_16k/average_l0_4/params.npz")
        ),
    ];

    public void Dispose()
    {
        foreach (var dictionary in _dictionaries)
            dictionary.Dispose();
        _model.Dispose();
        _work.Dispose();
    }

    [Fact]
    public void small_segments_and_blocks_change_nothing()
    {
        // Dense products round differently in blocks of another size; all that is counted or summed is the same to the last bit.
        static FeatureDashboard Counted(FeatureDashboard one) => one with { Neighbours = [], Logits = null, GainedLogits = null };
        var whole = Dashboards(_work.File("whole"), new FeatureStatisticsOptions(), Counted);
        Assert.Equal(
            whole,
            Dashboards(_work.File("parts"), new FeatureStatisticsOptions { TokensPerSegment = 100, PairBytes = 5000 }, Counted)
        );
        Assert.True(Directory.GetFiles(_work.File("parts"), "segment-*").Length > 5);
    }

    [Fact]
    public void statistics_that_were_killed_go_on_where_the_last_segment_ended()
    {
        var options = new FeatureStatisticsOptions { TokensPerSegment = 500 };
        var whole = Dashboards(_work.File("whole"), options);
        var folder = _work.File("killed");
        using (var first = new FeatureStatistics(_model, _dictionaries, folder, options))
            foreach (var batch in Batches()[..7])
                first.Add(batch);
        // Killed between the segment and the sums that belong to it, with a file half written.
        var segments = Directory.GetFiles(folder, "segment-*").Length;
        File.Copy(Path.Combine(folder, "segment-00000.safetensors"), Path.Combine(folder, $"segment-{segments:00000}.safetensors"));
        File.WriteAllText(Path.Combine(folder, "x.partial"), "half");
        using (var again = new FeatureStatistics(_model, _dictionaries, folder, options))
        {
            Assert.InRange(again.Tokens, 1, 7 * 4 * 32);
            Assert.Equal(segments, Directory.GetFiles(folder, "segment-*").Length);
        }
        Assert.Equal(whole, Dashboards(folder, options));
    }

    [Fact]
    public void the_quality_is_that_of_the_evaluation_of_the_same_text_and_survives_a_kill()
    {
        var evaluator = new Evaluator(_model, _dictionaries, new() { Runs = [], Uniformity = false });
        foreach (var batch in Batches()[..6])
            evaluator.Add(batch);
        var folder = _work.File("quality");
        using (var first = new FeatureStatistics(_model, _dictionaries, folder, new() { TokensPerSegment = 100 }))
            foreach (var batch in Batches()[..3])
                first.Add(batch);
        using var statistics = new FeatureStatistics(_model, _dictionaries, folder, new() { TokensPerSegment = 100 });
        foreach (var batch in Batches()[3..6])
            statistics.Add(batch);
        for (var i = 0; i < _dictionaries.Length; i++)
        {
            var (want, got) = (evaluator.Sums.Dictionaries[i], statistics.Quality(i));
            Assert.Equal((want.Reconstruction.Rows, want.Sparsity.L0), (got.Tokens, got.L0));
            Assert.Equal(want.Reconstruction.Fvu, got.Fvu, 1e-9);
            Assert.Equal(want.Reconstruction.CosineSimilarity, got.CosineSimilarity, 1e-9);
        }
    }

    [Fact]
    public void a_folder_of_other_statistics_is_refused()
    {
        var description = new Dictionary<string, string> { ["text"] = "one" };
        using (var one = new FeatureStatistics(_model, _dictionaries, _work.Path, null, description))
        {
            one.Add(Batches()[0]);
            one.Save();
        }
        description["text"] = "two";
        Assert.Contains(
            "another text",
            Assert
                .Throws<ArgumentProblemException>(() => new FeatureStatistics(_model, _dictionaries, _work.Path, null, description))
                .Message
        );
        Assert.Contains(
            "another neurons",
            Assert
                .Throws<ArgumentProblemException>(() => new FeatureStatistics(_model, _dictionaries, _work.Path, new() { Neurons = false }))
                .Message
        );
    }

    [Fact]
    public void another_seed_draws_other_examples_and_the_same_seed_the_same()
    {
        var first = Dashboards(_work.File("a"), new FeatureStatisticsOptions { Seed = 1 });
        Assert.Equal(first, Dashboards(_work.File("b"), new FeatureStatisticsOptions { Seed = 1 }));
        Assert.NotEqual(first, Dashboards(_work.File("c"), new FeatureStatisticsOptions { Seed = 2 }));
    }

    [Fact]
    public void our_own_lines_say_everything()
    {
        using var statistics = new FeatureStatistics(_model, _dictionaries, _work.File("lines"));
        foreach (var batch in Batches().Take(3))
            statistics.Add(batch);
        var features = statistics
            .Dashboards(1)
            .Select(one => new LabelledDashboard(
                one,
                [new FeatureLabel("a \"label\"", "me", Score: 0.5, Fuzzing: 0.6, Settings: "text AB")]
            ))
            .ToArray();
        var source = new DashboardSource
        {
            Model = "m",
            Set = "s",
            Layer = 1,
            Corpus = statistics.Corpus,
            Pieces = ["<pad>", "\n"],
            Bos = 2,
        };
        var file = _work.File("lines.jsonl");
        AtomicFile.Write(file, stream => DashboardLines.Write(stream, features, source));
        Assert.True(DashboardLines.Is(file));
        var (back, read) = DashboardLines.Read(file);
        Assert.Equal((source.Name, source.Corpus, "\n"), (back.Name, back.Corpus, back.Pieces[1]));
        Assert.Equal(
            features.Select(one => DashboardLines.ToJson(one).ToJsonString()),
            read.Select(one => DashboardLines.ToJson(one).ToJsonString())
        );
    }

    private string[] Dashboards(string folder, FeatureStatisticsOptions options, Func<FeatureDashboard, FeatureDashboard>? part = null)
    {
        using var statistics = new FeatureStatistics(_model, _dictionaries, folder, options);
        foreach (var batch in Batches().Skip((int)(statistics.Tokens / (4 * 32))))
            statistics.Add(batch);
        return
        [
            .. Enumerable
                .Range(0, 2)
                .SelectMany(d => statistics.Dashboards(d))
                .Select(one => DashboardLines.ToJson(new(part?.Invoke(one) ?? one, [])).ToJsonString()),
        ];
    }

    private static EvaluationBatch[] Batches()
    {
        using var corpus = SafetensorsFile.Open(Path.Combine(Folder, "corpus.safetensors"));
        return
        [
            .. Golden
                .Integers(corpus, "tokens")
                .ToArray()
                .Chunk(32)
                .Take(48)
                .Chunk(4)
                .Select(sequences => EvaluationBatch.WithSpecialIds(sequences, [0, 1, 2], 2)),
        ];
    }
}
