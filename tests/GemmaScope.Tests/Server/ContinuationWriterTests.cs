using GemmaScope.Models;
using GemmaScope.Server.Pages;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Texts that are written in turns.</summary>
public class ContinuationWriterTests
{
    [Fact]
    public async Task whoever_goes_away_while_a_token_is_computed_takes_nothing_from_under_it()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        using var entered = new SemaphoreSlim(0);
        using var goOn = new SemaphoreSlim(0);
        var passes = 0;
        var halting = Edit.Function(
            Site.ResidPost(0),
            (_, _) =>
            {
                // The first pass reads the prompt; in the second there is a cache to be freed.
                if (++passes != 2)
                    return;
                entered.Release();
                goOn.Wait();
            }
        );
        var writer = new ContinuationWriter("text", model, [2, 100, 200], new() { Edits = [halting], Temperature = 0 });
        var writing = Task.Run(() => writer.Next(CancellationToken.None), TestContext.Current.CancellationToken);
        await entered.WaitAsync(TestContext.Current.CancellationToken);
        writer.Dispose();
        goOn.Release();
        await writing;
        Assert.Equal(4, writer.Ids.Count);
        Assert.Throws<OperationCanceledException>(() => writer.Next(CancellationToken.None));
        writer.Dispose();
    }
}
