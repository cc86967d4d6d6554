using System.Text.Json.Nodes;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

public sealed class TrainingConfigurationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void what_is_printed_is_the_whole_run_and_reads_back()
    {
        var read = Load(
            "kind: clt\nsites: [mlp_in.0, mlp_in.1]\nwidth: 64\ndata: {store: rows}\noutput: out\nrecipe: {sparsity: l0_target, prefixes: "
                + "[8, 64]}\n"
        );
        Assert.Equal(DictionaryKind.CrossLayerTranscoder, read.Kind);
        Assert.Equal([Site.MlpOut(0), Site.MlpOut(1)], read.Outputs);
        Assert.Equal(SparsityTerm.L0Target, read.Recipe.Sparsity);
        var yaml = read.ToYaml();
        Assert.Contains("kind: clt\n", yaml);
        foreach (var property in typeof(Recipe).GetProperties().Where(property => property.CanWrite && property.Name != "EqualityContract"))
            Assert.Contains($"\n  {System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name)}: ", yaml);
        Assert.Equal(yaml, Load(yaml).ToYaml());
    }

    [Fact]
    public void schedules_that_nobody_set_are_scaled_to_a_short_run_and_said()
    {
        const string Run = "sites: resid_post.3\ndata: {store: rows}\noutput: out\nbatch: 1024\n";
        var yaml = Load(Run + "steps: 400\nrecipe: {lambda_warmup_steps: 10000}").ToYaml();
        // What was set stays; the rest takes its share.
        Assert.Contains("  lambda_warmup_steps: 10000\n", yaml);
        Assert.Contains("  warmup_steps: 40  # scaled to 400 steps; 1000 in a long run\n", yaml);
        Assert.Contains("  learning_rate: 0.002  # scaled to 400 steps; 7E-05 in a long run\n", yaml);
        Assert.Contains("  dead_after_tokens: 40960  # scaled", yaml);
        Assert.Equal(yaml, Load(yaml).ToYaml());
        var standard = new Recipe();
        var longRun = Load(Run + "steps: 1000000").ToYaml();
        Assert.DoesNotContain("#", longRun);
        Assert.Contains($"  warmup_steps: {standard.WarmupSteps}\n", longRun);
        Assert.Contains($"  lambda_warmup_steps: {standard.LambdaWarmupSteps}\n", longRun);
    }

    [Fact]
    public void the_penalty_of_a_target_is_strong_enough_to_lead_there_unless_it_is_set()
    {
        Assert.Equal(0.03, new Recipe { Sparsity = SparsityTerm.L0Target }.Lambda);
        Assert.Equal(6e-4, new Recipe { Sparsity = SparsityTerm.L0Target, Lambda = 6e-4 }.Lambda);
        var suite = new SweepConfiguration
        {
            Output = "out",
            Grid = new() { Layers = [1], TargetL0 = [20, 30] },
            Base = new() { Data = new() { Store = "rows" } },
        };
        Assert.All(SweepPlan.Items(suite, null), item => Assert.Equal(0.03, item.Configuration.Recipe.Lambda));
        File.WriteAllText(_folder.File("suite.yaml"), suite.ToYaml());
        var again = SweepConfiguration.Load(_folder.File("suite.yaml"), []);
        Assert.All(SweepPlan.Items(again, null), item => Assert.Equal(0.03, item.Configuration.Recipe.Lambda));
    }

    [Fact]
    public void options_win_over_the_file()
    {
        var read = Load(
            "sites: resid_post.3\ndata: {store: rows}\noutput: out\nwidth: 32\n",
            ("width", 64),
            ("recipe.lambda", 0.5),
            ("output", "123")
        );
        Assert.Equal((64, 0.5, "123"), (read.Width, read.Recipe.Lambda, read.Output));
    }

    [Theory]
    [InlineData("sites: resid_post.3\nrecipe: {lamda: 1}", "'recipe.lamda' is unknown; did you mean 'lambda'?")]
    [InlineData("site: resid_post.3", "'site' is unknown; did you mean 'sites'?")]
    [InlineData("{}", "'sites' is missing")]
    [InlineData("sites: [resid_post.3, resid_post.4]", "crosscoder, clt")]
    [InlineData("sites: resid_post.3\ntargets: mlp_out.3", "'targets' is for transcoders")]
    [InlineData("kind: transcoder\nsites: mlp_out.3", "(kind: sae)")]
    [InlineData("kind: crosscoder\nsites: [resid_post.1, resid_post.2]\nwidth: 33", "'width' must be a multiple of 2")]
    [InlineData("sites: resid_post.3\nsteps: 0", "'steps' must be 1 or more")]
    [InlineData("sites: resid_post.3\ndata: {text: [a], store: b}", "has more than one of store, text and synthetic model")]
    [InlineData("sites: resid_post.3\nkind: autoencoder", "must be one of sae, transcoder, skip_transcoder, crosscoder, clt")]
    [InlineData("sites: resid_post.3\nstart: [a, b]", "'start' names 2 dictionaries where 1 are needed")]
    [InlineData("sites: resid_post.3\nevaluation: {every_steps: 0}", "'evaluation.every_steps' must be 1 or more")]
    [InlineData("sites: resid_post.3\noutput: null", "'output' must have a value")]
    public void what_contradicts_itself_is_refused(string yaml, string says) =>
        Assert.Contains(
            says,
            Assert
                .Throws<FileFormatException>(() =>
                    Load(
                        yaml,
                        [
                            .. yaml.Contains("data") ? [] : ((string, JsonNode?)[])[("data.store", "rows")],
                            .. yaml.Contains("output") ? [] : ((string, JsonNode?)[])[("output", "out")],
                        ]
                    )
                )
                .Message
        );

    [Theory]
    [InlineData(
        "kind: clt\nsites: [mlp_in.0, mlp_in.1]\nrecipe: {architecture: top_k, sparsity: none}",
        "train it with jump_relu or batch_top_k"
    )]
    [InlineData(
        "kind: crosscoder\nsites: [resid_post.0, resid_post.1]\nrecipe: {architecture: gated, sparsity: l1}",
        "train it with jump_relu or batch_top_k"
    )]
    [InlineData("kind: clt\nsites: [mlp_in.0, mlp_in.1]\nform: sae_lens", "several layers, for which only the form of Gemma Scope 2")]
    [InlineData("kind: transcoder\nsites: mlp_in.0\nrecipe: {architecture: top_k, sparsity: none}", "knows no topk transcoder")]
    [InlineData("kind: skip_transcoder\nsites: mlp_in.0\nform: scope1", "it has a skip connection")]
    [InlineData("sites: resid_post.0\nrecipe: {k_start: 80}", "k_start: is for top_k and batch_top_k")]
    [InlineData("sites: resid_post.0\nrecipe: {resample_until: 10}", "resample_until: ends what resample_every begins")]
    [InlineData("sites: resid_post.0\nrecipe: {resample_every: 0}", "resample_every: must be 1 step or more")]
    [InlineData("sites: resid_post.0\nrecipe: {clip_norm: -1}", "clip_norm: must be at least 0")]
    [InlineData("sites: resid_post.0\nrecipe: {architecture: relu}", "only JumpReLU can learn from it")]
    public void what_could_not_be_written_after_the_training_is_refused_before_it(string yaml, string says) =>
        Assert.Contains(
            says,
            Assert.Throws<ArgumentProblemException>(() => Load($"{yaml}\nwidth: 64\noutput: out\ndata: {{store: rows}}\n")).Message
        );

    [Fact]
    public void every_twentieth_window_is_held_out_but_never_the_first_of_them()
    {
        int[] held = [.. Enumerable.Range(0, 2000).Where(window => TrainingData.IsHeldOut(window, 0.05))];
        Assert.Equal(Enumerable.Range(0, 100), held.Select(window => window / 20));
        Assert.DoesNotContain(0, held.Select(window => window % 20));
        Assert.True(held.Select(window => window % 20).Distinct().Count() > 10);
        Assert.DoesNotContain(Enumerable.Range(0, 100), window => TrainingData.IsHeldOut(window, 0));
        Assert.Equal([1, 3], Enumerable.Range(0, 4).Where(window => TrainingData.IsHeldOut(window, 0.5)));
    }

    [Fact]
    public void steps_follow_from_tokens_in_whole_batches()
    {
        var read = Load("sites: resid_post.3\ndata: {store: rows}\noutput: out\nbatch: 64\ntokens: 129\n");
        Assert.Equal(3, read.TotalSteps);
        Assert.Equal(7, (read with { Steps = 7 }).TotalSteps);
    }

    private TrainingConfiguration Load(string yaml, params (string, JsonNode?)[] values)
    {
        File.WriteAllText(_folder.File("recipe.yaml"), yaml);
        return TrainingConfiguration.Load(_folder.File("recipe.yaml"), values);
    }
}
