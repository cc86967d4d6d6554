using GemmaScope.Circuits;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Circuits;

public class OtherFamilyTests
{
    [Theory]
    [InlineData("gemma4-e")]
    [InlineData("gemma4-moe")]
    public void circuits_through_gemma_4_are_refused_and_not_wrong(string name)
    {
        using var model = GemmaModel.Load(Fixtures.Path("host", name));
        // The model is looked at before the transcoders are.
        var problem = Assert.Throws<ArgumentProblemException>(() => new ReplacementBuilder(model, null!, [2, 5, 6], 1, null));
        Assert.Contains("Gemma 4", problem.Message, StringComparison.Ordinal);
    }
}
