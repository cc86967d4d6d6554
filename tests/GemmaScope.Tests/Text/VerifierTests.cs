using System.IO.Compression;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Text;

public sealed class VerifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tokenizers", true, false)]
    [InlineData("tokenizers/spm-bpe-1024", true, false)]
    [InlineData("chat", false, true)]
    [InlineData("dictionaries", false, false)]
    [InlineData("host", false, false)]
    [InlineData("demo", false, false)]
    public void each_form_is_recognised_by_its_own_verifier(string folder, bool tokenizer, bool chat)
    {
        Assert.Equal(tokenizer, new TokenizerVerifier().Recognizes(Fixtures.Path(folder)));
        Assert.Equal(chat, new ChatVerifier().Recognizes(Fixtures.Path(folder)));
    }

    [Fact]
    public void gzipped_lines_count_and_other_files_may_be_missing()
    {
        Copy("tokenizer.model");
        using (var file = File.Create(_folder.File("goldens.jsonl.gz")))
        using (var gzip = new GZipStream(file, CompressionLevel.Fastest))
            gzip.Write(File.ReadAllBytes(Golden("goldens.jsonl")));
        Assert.Equal(
            [("normalized", Outcome.Passed), ("ids", Outcome.Passed), ("pieces of texts", Outcome.Passed), ("decoded", Outcome.Passed)],
            Verify().Select(check => (check.Name, check.Outcome))
        );
    }

    [Fact]
    public void a_wrong_line_fails_its_quantity_alone_and_is_named()
    {
        Copy("tokenizer.model");
        var lines = File.ReadAllLines(Golden("goldens.jsonl"));
        lines[2] = lines[2].Replace("\"ids\":[", "\"ids\":[1,", StringComparison.Ordinal);
        File.WriteAllLines(_folder.File("goldens.jsonl"), lines);
        var failed = Assert.Single(Verify(), check => check.Outcome == Outcome.Failed);
        Assert.Equal("ids", failed.Name);
        Assert.Contains("1 of 314 differ", failed.Detail);
        Assert.Contains("line 3: at 0", failed.Detail);
    }

    [Fact]
    public void goldens_without_their_model_are_skipped_by_name()
    {
        Copy("goldens.jsonl");
        Copy("expected.json");
        Assert.Equal("tokenizer.model", Assert.Single(Verify(), check => check.Outcome == Outcome.Skipped).Name);
    }

    [Fact]
    public void a_model_elsewhere_is_found_by_its_digest()
    {
        Copy("goldens.jsonl");
        Copy("expected.json");
        var checks = new TokenizerVerifier().Verify(_folder.Path, new([Path.GetDirectoryName(Golden("tokenizer.model"))!])).ToList();
        Assert.All(checks, check => Assert.Equal(Outcome.Passed, check.Outcome));
    }

    [Fact]
    public void goldens_that_are_not_json_are_an_error_that_names_the_line()
    {
        Copy("tokenizer.model");
        Copy("pieces.jsonl");
        File.AppendAllText(_folder.File("pieces.jsonl"), "{\n");
        Assert.Contains("line 1025", Assert.Throws<FileFormatException>(() => Verify()).Message);
    }

    private List<Check> Verify() => [.. new TokenizerVerifier().Verify(_folder.Path, VerifyOptions.Default)];

    private void Copy(string name) => File.Copy(Golden(name), _folder.File(name));

    private static string Golden(string name) => Fixtures.Path("tokenizers", "spm-bpe-1024", name);
}
