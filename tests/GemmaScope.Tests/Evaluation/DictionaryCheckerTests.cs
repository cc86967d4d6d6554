using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Models;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

/// <summary>Every kind of wrong pair that is planted is found with its cause, and no right one is.</summary>
public sealed class DictionaryCheckerTests : IDisposable
{
    private const string Sae = "demo-sae/resid_post/layer_3/width_2k/average_l0_35",
        Scope = "demo-scope/resid_post/layer_3_width_2k_l0_32",
        Transcoder = "demo-scope/transcoder_all/layer_3_width_1k_l0_16";

    private static readonly Lazy<GemmaModel> SharedBase = new(() => GemmaModel.Load("demo-pt")),
        SharedTuned = new(() => GemmaModel.Load("demo-it"));

    private readonly TemporaryFolder _folder = new();

    private static GemmaModel Base => SharedBase.Value;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void no_dictionary_of_the_demo_model_is_found_wrong()
    {
        string[] names =
        [
            Sae,
            .. Directory
                .GetFiles(Fixtures.Model("demo-scope"), "params.safetensors", SearchOption.AllDirectories)
                .Select(file => Path.GetDirectoryName(file)!),
        ];
        SparseDictionary[] dictionaries = [.. names.Select(name => SparseDictionary.Load(name))];
        var checks = DictionaryChecker.Check(Base, dictionaries, CheckText.Of(Base.Tokenizer));
        Assert.Equal(13, checks.Count);
        Assert.All(checks, check => Assert.Empty(check.Findings));
        Assert.All(checks, check => Assert.Equal("demo-pt", check.TrainedOn));
        Assert.All(checks, check => Assert.InRange(check.L0 / check.LeastL0!.Value, 0.9, 1.2));
        foreach (var dictionary in dictionaries)
            dictionary.Dispose();
    }

    [Fact, Trait("Category", "Golden")]
    public void its_numbers_are_those_of_the_formulas()
    {
        using var dictionary = SparseDictionary.Load(Sae);
        var text = CheckText.Of(Base.Tokenizer);
        var check = Assert.Single(DictionaryChecker.Check(Base, [dictionary], text));
        var (fvu, l0, norm, tokens) = ByHand(PlantedDictionary.Copy(dictionary), text, dictionary.InputSite);
        Assert.Equal(tokens, check.Tokens);
        Assert.Equal(fvu, check.Fvu, 1e-5 * fvu);
        Assert.Equal(l0, check.L0, 1e-9);
        Assert.Equal(norm, check.Norm, 1e-5 * norm);
    }

    [Theory]
    [InlineData(Sae, "resid_post.2", DictionaryMismatch.Layer, "resid_post.3")]
    [InlineData(Sae, "resid_post.4", DictionaryMismatch.Layer, "resid_post.3")]
    [InlineData(Sae, "resid_post.0", DictionaryMismatch.Layer, "resid_post.3")]
    [InlineData(Sae, "resid_pre.3", DictionaryMismatch.Layer, "resid_pre.4")]
    [InlineData(Scope, "resid_post.2", DictionaryMismatch.Layer, "resid_post.3")]
    [InlineData(Scope, "resid_post.4", DictionaryMismatch.Layer, "resid_post.3")]
    [InlineData(Scope, "resid_mid.3", DictionaryMismatch.Site, "resid_post.3")]
    [InlineData(Scope, "resid_mid.4", DictionaryMismatch.Site, "resid_post.3")]
    [InlineData(Scope, "mlp_out.3", DictionaryMismatch.Site, "resid_post.3")]
    [InlineData(Scope, "attn_out.3", DictionaryMismatch.Site, "resid_post.3")]
    [InlineData(Transcoder, "mlp_in.2", DictionaryMismatch.Layer, "mlp_in.3")]
    [InlineData(Transcoder, "mlp_in.4", DictionaryMismatch.Layer, "mlp_in.3")]
    [InlineData(Transcoder, "ln2_normalized.3", DictionaryMismatch.Gain, "mlp_in.3")]
    [InlineData(Transcoder, "resid_mid.3", DictionaryMismatch.Site, "mlp_in.3")]
    [InlineData(Transcoder, "resid_post.3", DictionaryMismatch.Site, "mlp_in.3")]
    public void a_wrong_site_is_found_and_the_right_one_named(string name, string read, DictionaryMismatch cause, string right)
    {
        using var dictionary = SparseDictionary.Load(name, new() { Site = Site.Parse(read) });
        var finding = Only(Base, dictionary);
        Assert.Equal((cause, true, right), (finding.Cause, finding.IsWarning, finding.Better));
        Assert.Equal(right, finding.Site);
        Assert.Contains(right, finding.Text);
        Assert.InRange(finding.Fvu!.Value, 0.01, 0.3);
    }

    [Fact]
    public void a_wrong_output_is_found()
    {
        using var dictionary = SparseDictionary.Load(Transcoder, new() { Site = Site.MlpIn(3), OutputSite = new(SiteKind.MlpOutRaw, 3) });
        var finding = Only(Base, dictionary);
        Assert.Equal((DictionaryMismatch.Site, true), (finding.Cause, finding.IsWarning));
        Assert.Contains("writing mlp_out.3", finding.Text);
        Assert.Null(finding.Site);
    }

    [Fact]
    public void a_gain_that_is_missing_is_found()
    {
        var gain = Base.Weights.Layers[3].PreMlpGain;
        using var right = SparseDictionary.Load(Transcoder);
        using var wantsTwice = Stored(PlantedDictionary.Copy(right).Reading(d => 1 / gain[d]), right.InputSite, right.OutputSite, 16);
        var twice = Only(Base, wantsTwice);
        Assert.Equal((DictionaryMismatch.Gain, "with the norm's gain twice"), (twice.Cause, twice.Better));
    }

    [Theory]
    [InlineData(1, "with inputs of mean squared norm 1")]
    [InlineData(16, "with inputs of mean norm √d")]
    public void inputs_of_another_scale_are_found(float trained, string name)
    {
        using var right = SparseDictionary.Load(Scope);
        var text = CheckText.Of(Base.Tokenizer);
        var norm = (float)Rms(text, right.InputSite);
        // It was trained on x · trained / ‖x‖ and nobody has folded that.
        using var wrong = Stored(
            PlantedDictionary.Copy(right).Reading(_ => norm / trained).Writing(_ => trained / norm),
            right.InputSite,
            right.OutputSite,
            32
        );
        var finding = Only(Base, wrong);
        Assert.Equal((DictionaryMismatch.Scale, name), (finding.Cause, finding.Better));
    }

    [Fact]
    public void the_scale_of_embeddings_is_found()
    {
        var text = Random(Base, 7);
        var root = MathF.Sqrt(Base.Config.Width);
        using var right = PlantedDictionary.At(Base, Site.Embed, text, 100).ToDictionary("embedding", Site.Embed);
        using var wrong = PlantedDictionary
            .At(Base, Site.Embed, text, 100)
            .Reading(_ => 1 / root)
            .Writing(_ => root)
            .ToDictionary("embedding", Site.Embed);
        Assert.Empty(Check(Base, right, text).Findings);
        var finding = Assert.Single(Check(Base, wrong, text).Findings);
        Assert.Equal(DictionaryMismatch.Scale, finding.Cause);
        Assert.Contains("multiplied by", finding.Better);
    }

    [Fact]
    public void b_dec_that_is_not_subtracted_is_found_and_one_that_should_not_be()
    {
        using var right = SparseDictionary.Load(Scope);
        using var wantsIt = Stored(PlantedDictionary.Copy(right).ShiftedByBias(1), right.InputSite, right.OutputSite, 32);
        var missing = Only(Base, wantsIt);
        Assert.Equal((DictionaryMismatch.Bias, "with b_dec subtracted first"), (missing.Cause, missing.Better));

        var parameters = PlantedDictionary.Copy(right);
        parameters.SubtractsDecoderBias = true;
        using var wantsNone = parameters.ToDictionary("subtracting", right.InputSite);
        var extra = Only(Base, wantsNone);
        Assert.Equal((DictionaryMismatch.Bias, "without b_dec subtracted first"), (extra.Cause, extra.Better));
    }

    [Fact]
    public void the_other_checkpoint_is_said_by_its_name_where_the_numbers_are_as_they_should_be()
    {
        using var dictionary = SparseDictionary.Load(Sae);
        var finding = Only(SharedTuned.Value, dictionary);
        Assert.Equal((DictionaryMismatch.Checkpoint, false), (finding.Cause, finding.IsWarning));
        Assert.Contains("demo-pt, pre-trained (PT)", finding.Text);
        Assert.Contains("demo-it, is instruction-tuned (IT)", finding.Text);
    }

    [Theory]
    [InlineData("demo-it", "instruction-tuned (IT)")]
    [InlineData("google/gemma-2-2b", "of another size or generation")]
    public void a_dictionary_of_another_model_is_found_by_name_and_numbers(string trained, string said)
    {
        using var right = SparseDictionary.Load(Scope);
        var parameters = PlantedDictionary.Copy(right);
        using (var same = Stored(parameters, right.InputSite, right.OutputSite, 32, trained))
        {
            var finding = Only(Base, same);
            Assert.Equal((DictionaryMismatch.Checkpoint, false), (finding.Cause, finding.IsWarning));
            Assert.Contains(said, finding.Text);
        }
        using var shuffled = Stored(Shuffled(parameters), right.InputSite, right.OutputSite, 31, trained);
        var wrong = Only(Base, shuffled);
        Assert.Equal((DictionaryMismatch.Checkpoint, true), (wrong.Cause, wrong.IsWarning));
        Assert.Contains("wrong checkpoint", wrong.Text);
        Assert.Contains(said, wrong.Text);
    }

    [Fact]
    public void one_that_promises_nothing_is_found_by_its_fvu()
    {
        using var right = SparseDictionary.Load(Scope);
        using var wrong = Shuffled(PlantedDictionary.Copy(right)).ToDictionary("nameless", right.InputSite);
        var check = Check(Base, wrong, CheckText.Of(Base.Tokenizer));
        Assert.Null(check.LeastL0);
        Assert.Null(check.TrainedOn);
        Assert.True(check.Fvu > 1);
        Assert.Contains("another checkpoint", Assert.Single(check.Findings).Text);
    }

    [Theory]
    [InlineData("gemma2-f16", "resid_post.1", "resid_post.0", DictionaryMismatch.Layer)]
    [InlineData("gemma2-f16", "mlp_out.0", "mlp_out_raw.0", DictionaryMismatch.Site)]
    [InlineData("gemma2-bf16-sharded", "attn_out.1", "attn_out_raw.1", DictionaryMismatch.Site)]
    [InlineData("gemma2-bf16-sharded", "mlp_in.1", "ln2_normalized.1", DictionaryMismatch.Gain)]
    [InlineData("gemma3-text", "mlp_out.3", "mlp_out.4", DictionaryMismatch.Layer)]
    [InlineData("gemma3-text", "resid_post.5", "attn_out.5", DictionaryMismatch.Site)]
    [InlineData("gemma3-text", "z.2", "z.3", DictionaryMismatch.Layer)]
    public void so_it_is_in_models_of_either_generation(string host, string trained, string read, DictionaryMismatch cause)
    {
        using var model = GemmaModel.Load(Fixtures.Path("host", host));
        var (training, text) = (Random(model, 1), Random(model, 2));
        var parameters = PlantedDictionary.At(model, Site.Parse(trained), training, 8);
        using var right = parameters.ToDictionary("planted", Site.Parse(trained));
        var promised = Check(model, right, training).L0;
        Assert.Empty(Check(model, right, text).Findings);
        using var wrong = Stored(parameters, Site.Parse(trained), Site.Parse(trained), promised, read: Site.Parse(read));
        var finding = Assert.Single(Check(model, wrong, text).Findings);
        Assert.Equal((cause, trained), (finding.Cause, finding.Better));
    }

    [Fact]
    public void a_quantised_host_is_said()
    {
        using var model = GemmaModel.Load(Fixtures.Path("gguf", "gemma2-Q2_K"));
        var text = Random(model, 2);
        using var dictionary = PlantedDictionary
            .At(model, Site.ResidPost(1), Random(model, 1), 8)
            .ToDictionary("planted", Site.ResidPost(1));
        var finding = Assert.Single(Check(model, dictionary, text).Findings);
        Assert.Equal((DictionaryMismatch.Quantised, false), (finding.Cause, finding.IsWarning));
    }

    [Theory]
    [InlineData("demo-it-Q8_0.gguf", null, "demo-it-Q8_0")]
    [InlineData("model.gguf", "demo it", "demo it")]
    [InlineData("demo-pt-Q8_0.gguf", "demo it", null)]
    [InlineData("model.gguf", null, null)]
    public void a_gguf_file_is_known_by_its_name_or_by_what_it_says_inside(string file, string? inside, string? named)
    {
        GgufCopy.Write(Fixtures.Model("demo-it"), _folder.File(file), DType.Q8_0, called: inside);
        using var model = GemmaModel.Load(_folder.File(file));
        using var dictionary = SparseDictionary.Load(Sae);
        var finding = Assert.Single(DictionaryChecker.Check(model, [dictionary], CheckText.Of(model.Tokenizer))[0].Findings);
        Assert.False(finding.IsWarning);
        Assert.Equal(named is null ? DictionaryMismatch.Quantised : DictionaryMismatch.Checkpoint, finding.Cause);
        if (named is not null)
            Assert.Contains($"trained on demo-pt, pre-trained (PT), and this model, {named}, is instruction-tuned (IT)", finding.Text);
    }

    [Fact]
    public void a_pair_is_checked_once_until_a_file_changes()
    {
        using var copy = TemporaryFolder.CopyOf(Fixtures.Model(Sae));
        using var dictionary = SparseDictionary.Load(copy.File("params.npz"), new() { Site = Site.ResidPost(3) });
        var first = Assert.Single(DictionaryChecker.CheckOnOpening(Base, [dictionary]));
        Assert.Same(first, Assert.Single(DictionaryChecker.CheckOnOpening(Base, [dictionary])));
        copy.Write("notes.txt", "something else lies here now");
        Assert.NotSame(first, Assert.Single(DictionaryChecker.CheckOnOpening(Base, [dictionary])));
    }

    [Theory]
    [InlineData("google/gemma-2-2b", "gemma-2-2b", "pt")]
    [InlineData("google/gemma-3-1b-pt", "gemma-3-1b", "pt")]
    [InlineData("gemma-2-2b-it-Q4_K_M", "gemma-2-2b", "it")]
    [InlineData("/models/gemma-3-270m-it@main", "gemma-3-270m", "it")]
    [InlineData("gemma-2b-it", "gemma-1-2b", "it")]
    [InlineData("google/shieldgemma-2b", "gemma-2-2b", "shield")]
    [InlineData("google/gemma-4-e2b-it", "gemma-4-e2b", "it")]
    [InlineData("demo-pt", "demo", "pt")]
    [InlineData("Gemma 2 2b It", "gemma-2-2b", "it")]
    [InlineData("gemma-2-2b-it-Q4_K_M-00001-of-00002", "gemma-2-2b", "it")]
    [InlineData("demo-it-Q8_0", "demo", "it")]
    [InlineData("demo-it.IQ4_XS", "demo", "it")]
    [InlineData("demo-pt-int8", "demo", "pt")]
    [InlineData("demo-pt-bf16", "demo", "pt")]
    public void names_say_the_same_in_every_spelling(string name, string model, string variant) =>
        Assert.Equal(new GemmaName(model, variant), GemmaName.Of(name));

    [Theory]
    [InlineData(null)]
    [InlineData("my-model")]
    [InlineData("gemma")]
    [InlineData("demo-item")]
    [InlineData("demo-it-of-mine")]
    [InlineData("gemma-scope-2b-pt-res")]
    public void other_names_say_nothing(string? name) => Assert.Null(GemmaName.Of(name));

    private static DictionaryCheck Check(GemmaModel model, SparseDictionary dictionary, EvaluationBatch text) =>
        Assert.Single(DictionaryChecker.Check(model, [dictionary], text));

    private static CheckFinding Only(GemmaModel model, SparseDictionary dictionary) =>
        Assert.Single(Check(model, dictionary, CheckText.Of(model.Tokenizer)).Findings);

    /// <summary>Texts of random tokens, for models whose tokenizer does not matter.</summary>
    private static EvaluationBatch Random(GemmaModel model, int seed)
    {
        var random = new Random(seed);
        int[][] texts =
        [
            .. Enumerable
                .Range(0, 6)
                .Select(_ => Enumerable.Range(0, 40).Select(i => i == 0 ? 2 : random.Next(10, model.Config.RealVocabulary)).ToArray()),
        ];
        return EvaluationBatch.WithSpecialIds(texts, [2], 2);
    }

    /// <summary>The dictionary in a folder whose name promises an L0, and in a list that says the model; read elsewhere where that is named.</summary>
    private SparseDictionary Stored(
        DictionaryParameters parameters,
        Site input,
        Site output,
        double l0,
        string? trained = null,
        Site? read = null
    )
    {
        var name = FormattableString.Invariant($"layer_{input.Layer}_width_1k_l0_{l0:0}");
        using var dictionary = parameters.ToDictionary(name, input, output);
        DictionaryWriter.Write(dictionary, _folder.File(name), DictionaryForm.Scope2, new() { Overwrite = true });
        if (trained is not null)
            LocalCatalogue.Write(_folder.Path, trained, [name]);
        return SparseDictionary.Load(_folder.File(name), new() { Site = read, OutputSite = read });
    }

    /// <summary>The same numbers in another order, which no model has.</summary>
    private static DictionaryParameters Shuffled(DictionaryParameters parameters)
    {
        var random = new Random(3);
        for (var d = 0; d < parameters.Encoder.Rows; d++)
            random.Shuffle(parameters.Encoder.Row(d));
        return parameters;
    }

    private static double Rms(EvaluationBatch text, Site site)
    {
        using var run = Base.Run(text.Sequences, capture: [site], logits: LogitRows.None);
        double sum = 0;
        var rows = Enumerable.Range(0, text.Rows).Where(row => text.Counted[row]).ToArray();
        foreach (var row in rows)
        foreach (var value in run[site].Row(row))
            sum += (double)value * value;
        return Math.Sqrt(sum / rows.Length);
    }

    /// <summary>FVU, L0 and mean norm by loops in f64.</summary>
    private static (double Fvu, double L0, double Norm, int Tokens) ByHand(DictionaryParameters p, EvaluationBatch text, Site site)
    {
        using var run = Base.Run(text.Sequences, capture: [site], logits: LogitRows.None);
        float[][] rows = [.. Enumerable.Range(0, text.Rows).Where(row => text.Counted[row]).Select(row => run[site].Row(row).ToArray())];
        var mean = Enumerable.Range(0, rows[0].Length).Select(d => rows.Average(row => (double)row[d])).ToArray();
        double error = 0,
            spread = 0,
            active = 0;
        foreach (var x in rows)
        {
            var z = p.EncoderBias!.Select(bias => (double)bias).ToArray();
            for (var d = 0; d < x.Length; d++)
            {
                var weights = p.Encoder.Row(d);
                for (var i = 0; i < z.Length; i++)
                    z[i] += (double)x[d] * weights[i];
            }
            var y = p.DecoderBias.Select(bias => (double)bias).ToArray();
            for (var i = 0; i < z.Length; i++)
            {
                if (z[i] <= p.Threshold![i])
                    continue;
                active++;
                var vector = p.Decoder.Row(i);
                for (var d = 0; d < y.Length; d++)
                    y[d] += z[i] * vector[d];
            }
            for (var d = 0; d < y.Length; d++)
            {
                error += (x[d] - y[d]) * (x[d] - y[d]);
                spread += (x[d] - mean[d]) * (x[d] - mean[d]);
            }
        }
        return (error / spread, active / rows.Length, rows.Average(row => Math.Sqrt(row.Sum(v => (double)v * v))), rows.Length);
    }
}
