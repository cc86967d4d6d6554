using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Text;

public class TokenizerGoldenTests
{
    [Theory]
    [InlineData("spm-bpe-1024")]
    [InlineData("spm-unigram-1000")]
    public void a_sentencepiece_model_gives_the_golden_pieces_ids_and_texts(string folder) =>
        AllPass(Fixtures.Path("tokenizers", folder), atLeast: 10);

    [Fact]
    public void the_real_vocabularies_give_the_golden_ids_and_texts() => AllPass(Fixtures.Path("tokenizers"), atLeast: 24);

    private static void AllPass(string folder, int atLeast)
    {
        var verifier = new TokenizerVerifier();
        Assert.True(verifier.Recognizes(folder));
        var checks = verifier.Verify(folder, new([Fixtures.Repository])).ToList();
        Assert.DoesNotContain(checks, check => check.Outcome == Outcome.Failed);
        foreach (var skipped in checks.Where(check => check.Outcome == Outcome.Skipped))
            Assert.Skip($"{skipped.Name}: {skipped.Detail}");
        Assert.True(checks.Count >= atLeast, $"only {checks.Count} checks");
    }
}
