using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public sealed class WatchSetTests : IDisposable
{
    private static readonly GenerationOptions Greedy = new() { MaxNewTokens = 6, Temperature = 0 };

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Model("demo-it"));

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData("Be brief.")]
    public void a_conversation_is_watched_from_message_to_message_as_if_it_were_read_at_once(string? system)
    {
        var site = Site.ResidPost(3);
        var direction = Direction();
        using var watched = WatchSet.Of(_model, [Watch.Direction("a", site, direction)]);
        using var conversation = new Conversation(_model, Greedy, system, watched);
        Read(conversation.Say("Why is the sky blue?"));
        Read(conversation.Say("And the sea?"));
        var result = watched.Result;

        string[] roles = [.. system is null ? (string[])[] : ["system"], "user", "assistant", "user", "assistant"];
        Assert.Equal(roles, result.Messages.Select(message => message.Role));
        int[] ids = [_model.Config.BosId, .. result.Tokens.Select(token => token.Id)];
        Assert.Equal(Enumerable.Range(1, ids.Length - 1), result.Tokens.Select(token => token.Position));
        string Said(WatchedMessage message) => _model.Tokenizer.Decode(ids.AsSpan(message.Start..Math.Min(message.End, ids.Length)));
        string[] texts = [.. conversation.Messages.Select(message => string.Concat(message.Parts.Select(part => part.Text)))];
        for (var i = 0; i < roles.Length - 1; i++)
            Assert.Equal(texts[i], Said(result.Messages[i]));
        Assert.StartsWith(Said(result.Messages[^1]), texts[^1], StringComparison.Ordinal);
        Assert.Contains(result.Tokens, token => token.Role == "template");

        using var run = _model.Run(ids, capture: [site]);
        foreach (var token in result.Tokens)
            Assert.Equal(
                TensorPrimitives.Dot<float>(run[site].Row(token.Position), direction) / TensorPrimitives.Norm<float>(direction),
                token.Values[0],
                0.02f
            );
        var first = result.Messages[0];
        var values = result.Tokens.Where(token => token.Position >= first.Start && token.Position < first.End).ToArray();
        Assert.Equal(values.Max(token => token.Values[0]), first.Values[0]!.Max);
        Assert.Equal(values.Average(token => token.Values[0]), first.Values[0]!.Mean, 1e-4);

        // The page holds each token, its value and the roles.
        var page = WatchedPage.Render("demo-it", result).ToString();
        Assert.Contains(">user</text>", page, StringComparison.Ordinal);
        Assert.Contains($"position {result.Tokens[^1].Position} (assistant)", page, StringComparison.Ordinal);
        Assert.DoesNotContain("style=", page, StringComparison.Ordinal);

        conversation.Reset();
        Read(conversation.Say("Hello"));
        Assert.Equal(roles.Length - 2, watched.Result.Messages.Count);
    }

    [Fact]
    public void a_threshold_ends_an_answer_and_the_conversation_goes_on()
    {
        using var free = WatchSet.Of(_model, [Watch.Direction("a", Site.ResidPost(3), Direction())]);
        using (var conversation = new Conversation(_model, Greedy, watched: free))
            Read(conversation.Say("Why is the sky blue?"));
        var written = free.Result.Tokens.Where(token => token.Role == "assistant").ToArray();
        var most = written.MaxBy(token => token.Values[0])!;
        using var watched = WatchSet.Of(
            _model,
            [Watch.Direction("a", Site.ResidPost(3), Direction()) with { StopAbove = most.Values[0] - 1e-3, OnlyWritten = true }]
        );
        using var ended = new Conversation(_model, Greedy, watched: watched);
        using (var answer = Read(ended.Say("Why is the sky blue?")))
            Assert.Equal((StopReason.Monitor, most.Position), (answer.StoppedBy, watched.Monitor.Stopped!.Position));
        Assert.Equal(most.Position, Assert.Single(watched.Result.Stops).Position);
        Read(ended.Say("And the sea?"));
        Assert.Equal(4, ended.Messages.Count);
        Assert.Equal(Enumerable.Range(1, watched.Result.Tokens.Count), watched.Result.Tokens.Select(token => token.Position));
    }

    [Fact]
    public async Task files_folders_sites_and_features_are_opened_and_what_does_not_fit_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var microscope = Microscope.Of("demo-it", GemmaModel.Load(Fixtures.Model("demo-it")));
        var file = folder.File("direction.safetensors");
        DirectionFile.Write(file, new(Direction(), 4, -1));
        DirectionFile.Write(folder.File("bare.npy"), new(Direction(), null, null));
        DirectionFile.Write(folder.File("narrow.npy"), new(new float[] { 1, 2 }, 1, -1));
        DirectionFile.Write(folder.File("deep.npy"), new(Direction(), 40, -1));
        using var set = await WatchSet.OpenAsync(
            microscope,
            new()
            {
                Watch = [file, Path.GetDirectoryName(file)!, $"{folder.File("bare.npy")}:resid_post.2", $"{Fixtures.Model("demo-sae")}:12"],
                StopAbove = 3,
                StopStreak = 2,
            },
            cancellationToken: TestContext.Current.CancellationToken
        );
        Assert.Equal(["resid_pre.4", "resid_pre.4", "resid_post.2", "resid_post.3"], set.Monitor.Watches.Select(watch => $"{watch.Site}"));
        Assert.All(set.Monitor.Watches, watch => Assert.Equal((3, 2), (watch.StopAbove, watch.Streak)));
        Assert.Equal(12, set.Monitor.Watches[3].Feature);

        await Refused("the site behind it", folder.File("bare.npy"));
        await Refused("2 numbers", folder.File("narrow.npy"));
        await Refused("layers? 40|layer 40", folder.File("deep.npy"));
        await Refused("2 numbers", $"{folder.File("narrow.npy")}:resid_post.1");
        await Refused("nosuch", folder.File("nosuch.npy"));
        await Refused("is no feature", $"{Fixtures.Model("demo-sae")}:999999");

        async Task Refused(string words, string watch) =>
            Assert.Matches(
                words,
                (
                    await Assert.ThrowsAnyAsync<GemmaScopeException>(async () =>
                        await WatchSet.OpenAsync(microscope, new() { Watch = [watch] })
                    )
                ).Message
            );
    }

    private static Continuation Read(Continuation answer)
    {
        while (answer.Next() is not null) { }
        return answer;
    }

    private float[] Direction()
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, _model.Config.Width).Select(_ => random.NextSingle() - 0.5f)];
    }
}
