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
        var read = Load("kind: clt\nsites: [mlp_in.0, mlp_in.1]\nwidth: 64\ndata: {store: rows}\noutput: out\nrecipe: {sparsity: l0_target, prefixes: [8, 64]}\n");
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
    public void options_win_over_the_file()
    {
        var read = Load("sites: resid_post.3\ndata: {store: rows}\noutput: out\nwidth: 32\n", ("width", 64), ("recipe.lambda", 0.5), ("output", "123"));
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
    [InlineData("sites: resid_post.3\ndata: {text: [a], store: b}", "has a store and a text")]
    [InlineData("sites: resid_post.3\nkind: autoencoder", "must be one of sae, transcoder, skip_transcoder, crosscoder, clt")]
    [InlineData("sites: resid_post.3\noutput: null", "'output' must have a value")]
    public void what_contradicts_itself_is_refused(string yaml, string says) =>
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => Load(yaml, [.. yaml.Contains("data") ? [] : ((string, JsonNode?)[])[("data.store", "rows")], .. yaml.Contains("output") ? [] : ((string, JsonNode?)[])[("output", "out")]])).Message);

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
