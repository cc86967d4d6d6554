using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Models;
using GemmaScope.Tests.Dictionaries;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Features;

public sealed class TextAnalyzerTests : IDisposable
{
    private static readonly GemmaModel Model = GemmaModel.Load(Fixtures.Model("demo-pt"));
    private static readonly Tokenizer Words = Tokenizer.Load(Fixtures.Model("demo-pt"));
    private static readonly SparseDictionary Sae = SparseDictionary.Load(
        Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35")
    );

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_bos_is_left_out_of_every_sum_and_said_so()
    {
        var analysis = TextAnalyzer.Analyze(Model, Sae, Words, "The sea was calm.");
        Assert.Equal([0], analysis.ExcludedPositions);
        Assert.Equal("<bos>", analysis.Tokens[0].Piece);
        var counted = analysis.Tokens.Skip(1).ToArray();
        Assert.Equal(counted.Average(token => token.L0), analysis.MeanL0!.Value, 1e-9);
        Assert.Equal(analysis.Tokens[0].Norm, analysis.BosNorm);
        Assert.Equal(counted.Average(token => token.Norm), analysis.MeanNorm!.Value, 1e-4);
        Assert.True(analysis.TutorialVarianceExplained >= 1 - analysis.Fvu);
    }

    [Fact]
    public void several_dictionaries_share_one_run_and_each_finds_what_it_finds_alone_in_the_order_of_the_layers()
    {
        using var scope = Layers(4, 1, 5);
        SparseDictionary[] dictionaries = [.. scope.Dictionaries, Sae];
        List<int> order = [];
        var tokens = Words.EncodeWithOffsets("The sea was calm.", true);
        var together = TextAnalyzer.AnalyzeEach(
            Model,
            dictionaries,
            Words,
            tokens,
            found: (index, analysis) =>
            {
                order.Add(index);
                Assert.Empty(analysis.Next);
            }
        );
        Assert.Equal([1, 3, 0, 2], order);
        for (var i = 0; i < dictionaries.Length; i++)
        {
            var alone = TextAnalyzer.Analyze(Model, dictionaries[i], Words, "The sea was calm.");
            Assert.Equal(JsonSerializer.Serialize(alone), JsonSerializer.Serialize(together[i]));
        }
    }

    [Fact]
    public void a_transcoder_and_a_reader_of_several_layers_get_their_rows_when_the_last_site_has_passed()
    {
        using var transcoder = SparseDictionary.Load(Fixtures.Model("demo-scope", "transcoder_all", "layer_3_width_1k_l0_16"));
        List<int> order = [];
        var tokens = Words.EncodeWithOffsets("The sea was calm.", true);
        var together = TextAnalyzer.AnalyzeEach(Model, [Sae, transcoder], Words, tokens, found: (index, _) => order.Add(index));
        Assert.Equal([1, 0], order);
        Assert.Equal(
            JsonSerializer.Serialize(TextAnalyzer.Analyze(Model, transcoder, Words, "The sea was calm.")),
            JsonSerializer.Serialize(together[1])
        );
    }

    [Fact]
    public void what_is_found_is_told_before_later_layers_are_computed_and_a_run_nobody_waits_for_ends_there()
    {
        using var scope = Layers(0, 2, 4);
        using var gone = new CancellationTokenSource();
        List<int> found = [];
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TextAnalyzer.AnalyzeEach(
                Model,
                scope.Dictionaries,
                Words,
                Words.EncodeWithOffsets("The sea was calm.", true),
                found: (index, _) =>
                {
                    found.Add(index);
                    if (index == 1)
                        gone.Cancel();
                },
                cancellationToken: gone.Token
            )
        );
        Assert.Equal([0, 1], found);
    }

    [Fact]
    public void texts_read_together_find_what_each_finds_alone()
    {
        using var scope = Layers(4, 1, 5);
        List<(int Text, int Index)> told = [];
        TextToAnalyze Text(int number, string text, params SparseDictionary[] dictionaries) =>
            new(dictionaries, Words.EncodeWithOffsets(text, true)) { Found = (index, _) => told.Add((number, index)) };
        TextToAnalyze[] texts =
        [
            Text(0, "The sea was calm.", Sae, scope.Dictionaries[0]),
            Text(1, "A", Sae),
            Text(2, "He opened the letter and read it aloud to all of them.", scope.Dictionaries[1], Sae),
        ];
        var together = TextAnalyzer.AnalyzeTogether(Model, Words, texts);
        Assert.Equal([(2, 0), (0, 0), (1, 0), (2, 1), (0, 1)], told);
        foreach (var (text, found) in texts.Zip(together))
        {
            var alone = TextAnalyzer.AnalyzeEach(Model, text.Dictionaries, Words, text.Tokens);
            foreach (var (want, got) in alone.Zip(found, (a, b) => (a, b)))
            {
                Assert.Equal((want.Dictionary, want.Text), (got.Dictionary, got.Text));
                Assert.Equal(want.Tokens.Select(token => (token.Id, token.Start)), got.Tokens.Select(token => (token.Id, token.Start)));
                Assert.Equal(want.Fvu ?? 0, got.Fvu ?? 0, 1e-4);
                Assert.Equal(want.MeanNorm ?? 0, got.MeanNorm ?? 0, 1e-3);
                Assert.Equal(want.Next.Select(one => one.Id), got.Next.Select(one => one.Id));
                Assert.All(want.Next.Zip(got.Next), pair => Assert.Equal(pair.First.Probability, pair.Second.Probability, 1e-4));
                for (var row = 0; row < want.Tokens.Count; row++)
                    foreach (var feature in want.Features.Top(row, 10))
                        Assert.Equal(feature.Value, got.Features.Value(row, feature.Feature), 2e-3f * (1 + feature.Value));
            }
        }
    }

    [Fact]
    public void of_texts_read_together_none_may_be_empty_or_too_long()
    {
        var right = new TextToAnalyze([Sae], Words.EncodeWithOffsets("The sea was calm.", true));
        foreach (
            var ids in (int[][])
                [
                    [],
                    [.. Enumerable.Repeat(5, Model.Config.MaxPositions + 1)],
                ]
        )
            Assert.Throws<ArgumentProblemException>(() =>
                TextAnalyzer.AnalyzeTogether(Model, Words, [right, right with { Tokens = new("", ids, []) }])
            );
    }

    private SampleLayers Layers(params int[] layers) => new(_folder.File("layers"), Model.Config.Width, layers);

    [Fact]
    public void tokens_know_their_place_in_the_text()
    {
        const string text = "A café.";
        var analysis = TextAnalyzer.Analyze(Model, Sae, Words, text);
        Assert.Equal(
            text,
            string.Concat(
                analysis
                    .Tokens.Where(token => token.End > token.Start)
                    .Select(token => (token.Start, token.End))
                    .Distinct()
                    .Select(place => text[place.Start!.Value..place.End!.Value])
            )
        );
    }

    [Fact]
    public void counts_of_reported_features_and_tokens_are_chosen()
    {
        var analysis = TextAnalyzer.Analyze(
            Model,
            Sae,
            Words,
            "The sea.",
            new()
            {
                TopPerToken = 2,
                TopWholeText = 3,
                NextTokens = 0,
            }
        );
        Assert.All(analysis.Tokens, token => Assert.Equal(2, token.Top.Count));
        Assert.Equal((3, 0), (analysis.WholeTextTop.Count, analysis.Next.Count));
    }

    [Fact]
    public void labels_and_links_come_with_each_feature()
    {
        var plain = TextAnalyzer.Analyze(Model, Sae, Words, "The sea.");
        var feature = plain.WholeTextTop[0].Index;
        File.WriteAllText(_folder.File("labels.csv"), $"index,label\n{feature},water\n");
        var analysis = TextAnalyzer.Analyze(
            Model,
            Sae,
            Words,
            "The sea.",
            new() { Labels = FeatureLabels.Load(_folder.File("labels.csv")) }
        );
        Assert.Equal(
            ("water", $"/demo-pt/resid_post-layer_3-width_2k-average_l0_35/{feature}", null),
            (analysis.WholeTextTop[0].Label, analysis.WholeTextTop[0].Page, analysis.WholeTextTop[0].Neuronpedia)
        );
        Assert.Null(plain.WholeTextTop[0].Label);
    }

    [Fact]
    public void one_token_alone_has_no_variance_to_explain_and_still_becomes_json()
    {
        var analysis = TextAnalyzer.Analyze(Model, Sae, Words, "");
        Assert.Equal((1, null, null, null), (analysis.Tokens.Count, analysis.Fvu, analysis.MeanL0, analysis.TutorialVarianceExplained));
        var back = JsonSerializer.Deserialize<TextAnalysis>(JsonSerializer.Serialize(analysis))!;
        Assert.Equal(analysis.Tokens[0].Norm, back.Tokens[0].Norm);
    }

    [Fact]
    public void a_transcoder_is_measured_at_the_site_it_writes()
    {
        var file = SampleDictionaries.WriteScopeOne(
            _folder.Path,
            "gemma-scope-2b-pt-transcoders/layer_2/width_1k/average_l0_5",
            Model.Config.Width,
            40
        );
        using var transcoder = SparseDictionary.Load(file);
        var analysis = TextAnalyzer.Analyze(Model, transcoder, Words, "The sea was calm.");
        Assert.Equal(["ln2_normalized.2", "mlp_out.2"], analysis.InputSites.Concat(analysis.OutputSites));

        using var run = Model.Run(Words.Encode("The sea was calm.", addBos: true), capture: [transcoder.InputSite, transcoder.OutputSite]);
        using var decoded = transcoder.Decode(transcoder.Encode(run));
        var sums = new GemmaScope.Evaluation.ReconstructionSums(Model.Config.Width);
        for (var t = 1; t < decoded.Rows; t++)
            sums.Add(run[transcoder.OutputSite].Row(t), decoded.Row(t));
        Assert.Equal(sums.Fvu, analysis.Fvu!.Value, 1e-9);
    }

    [Theory]
    [InlineData(new[] { "<bos>", "▁the", "</s>", "▁the" }, new[] { false, true, false, true })]
    [InlineData(
        new[] { "<bos>", "<start_of_turn>", "▁the", "▁the", "▁the", "<end_of_turn>" },
        new[] { false, false, false, false, true, false }
    )]
    [InlineData(new[] { "▁the", "▁the", "<start_of_turn>", "▁the" }, new[] { false, true, false, true })]
    public void neither_position_0_nor_special_tokens_nor_the_prefix_of_a_chat_count(string[] pieces, bool[] counted)
    {
        int[] ids = [.. pieces.Select(piece => piece == "</s>" ? Words.EosId!.Value : Words.Id(piece)!.Value)];
        Assert.Equal(counted, CountedPositions.Of(ids, Words));
    }

    [Fact]
    public void a_text_that_is_too_long_says_what_to_do()
    {
        var text = string.Concat(Enumerable.Repeat("sea ", Model.Config.MaxPositions + 10));
        var error = Assert.Throws<ArgumentProblemException>(() => TextAnalyzer.Analyze(Model, Sae, Words, text));
        Assert.Contains($"{Model.Config.MaxPositions}", error.Message);
        Assert.Contains("in parts", error.Message);
    }

    [Fact]
    public void a_dictionary_of_another_model_is_refused()
    {
        var file = SampleDictionaries.WriteScopeOne(_folder.Path, "resid_post/layer_1/width_1k/average_l0_5", 10, 12);
        using var other = SparseDictionary.Load(file);
        Assert.Contains(
            "another model",
            Assert.Throws<ArgumentProblemException>(() => TextAnalyzer.Analyze(Model, other, Words, "sea")).Message
        );
        var deep = SampleDictionaries.WriteScopeOne(_folder.Path, "resid_post/layer_99/width_1k/average_l0_5", 10, 12);
        using var layer = SparseDictionary.Load(deep);
        Assert.Contains(
            "resid_post.99",
            Assert.Throws<ArgumentProblemException>(() => TextAnalyzer.Analyze(Model, layer, Words, "sea")).Message
        );
    }

    [Fact]
    public void progress_is_reported_and_work_can_be_cancelled()
    {
        var said = new List<string>();
        TextAnalyzer.Analyze(Model, Sae, Words, "sea", progress: new Collector(said));
        Assert.Equal(2, said.Count);
        Assert.Throws<OperationCanceledException>(() =>
            TextAnalyzer.Analyze(Model, Sae, Words, "sea", cancellationToken: new CancellationToken(canceled: true))
        );
    }

    private sealed class Collector(List<string> said) : IProgress<string>
    {
        public void Report(string value) => said.Add(value);
    }
}
