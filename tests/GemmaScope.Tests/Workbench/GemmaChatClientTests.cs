using GemmaScope.Models;
using GemmaScope.Tests.Cli;
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>The model in this process as others see it: through the interface of chat clients.</summary>
public sealed class GemmaChatClientTests : IDisposable
{
    private static readonly ChatMessage Hello = new(ChatRole.User, "Hello, who are you?"),
        Why = new(ChatRole.User, "Why?");

    private readonly Microscope _microscope = Microscope.Of("demo-it", GemmaModel.Load(Fixtures.Model("demo-it")));
    private readonly GemmaChatClient _client;

    public GemmaChatClientTests() => _client = new(_microscope);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ChatOptions Greedy => new() { Temperature = 0, MaxOutputTokens = 10 };

    public void Dispose()
    {
        _client.Dispose();
        _microscope.Dispose();
    }

    [Fact]
    public async Task it_says_what_the_command_says()
    {
        string[] arguments = ["chat", "--model", "demo-it", "--system", "Be brief.", "--message", Hello.Text, "--message", Why.Text];
        string[] sampling = ["--temperature", "0.7", "--top-k", "50", "--top-p", "0.9", "--seed", "5", "--max-tokens", "12", "--json"];
        var said = CommandLine.Run([.. arguments, .. sampling]).Json().GetProperty("messages");
        var options = new ChatOptions
        {
            Temperature = 0.7f,
            TopK = 50,
            TopP = 0.9f,
            Seed = 5,
            MaxOutputTokens = 12,
        };
        List<ChatMessage> messages = [new(ChatRole.System, "Be brief."), Hello];
        var first = await _client.GetResponseAsync(messages, options, Cancel);
        Assert.Equal(said[2].GetProperty("content").GetString(), first.Text);
        Assert.Equal((0L, "demo-it"), (first.Usage?.CachedInputTokenCount, first.ModelId));
        messages.AddMessages(first);
        var second = await _client.GetResponseAsync([.. messages, Why], options, Cancel);
        Assert.Equal(said[4].GetProperty("content").GetString(), second.Text);
        Assert.Equal(first.Usage?.TotalTokenCount, second.Usage?.CachedInputTokenCount);
    }

    [Fact]
    public async Task an_answer_in_pieces_is_the_whole_one_and_ends_with_its_counts()
    {
        var whole = await _client.GetResponseAsync([Hello], Greedy, Cancel);
        List<ChatResponseUpdate> pieces = [];
        await foreach (var piece in _client.GetStreamingResponseAsync([Hello], Greedy, Cancel))
            pieces.Add(piece);
        Assert.True(pieces.Count > 3);
        Assert.Equal(whole.Text, string.Concat(pieces.Select(piece => piece.Text)));
        Assert.Equal(ChatFinishReason.Length, pieces[^1].FinishReason);
        var usage = pieces[^1].Contents.OfType<UsageContent>().Single().Details;
        Assert.Equal((10L, usage.InputTokenCount + 10), (usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.Equal(usage.InputTokenCount, whole.Usage?.InputTokenCount);
    }

    [Fact]
    public async Task a_text_that_ends_the_answer_is_left_out_and_the_next_turn_knows_nothing_of_it()
    {
        var whole = (await _client.GetResponseAsync([Hello], Greedy, Cancel)).Text;
        var stop = whole.Substring(whole.Length / 2, 2);
        var options = Greedy;
        options.StopSequences = [stop];
        var cut = await _client.GetResponseAsync([Hello], options, Cancel);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], cut.Text);
        Assert.Equal(ChatFinishReason.Stop, cut.FinishReason);
        ChatMessage[] more = [Hello, .. cut.Messages, Why];
        var next = await _client.GetResponseAsync(more, Greedy, Cancel);
        using var other = new GemmaChatClient(_microscope);
        Assert.Equal((await other.GetResponseAsync(more, Greedy, Cancel)).Text, next.Text);
    }

    [Fact]
    public async Task instructions_are_a_message_of_the_system()
    {
        var options = Greedy;
        options.Instructions = "Be brief.";
        var instructed = await _client.GetResponseAsync([Hello], options, Cancel);
        var told = await _client.GetResponseAsync([new(ChatRole.System, "Be brief."), Hello], Greedy, Cancel);
        Assert.Equal((told.Text, told.Usage?.InputTokenCount), (instructed.Text, instructed.Usage?.InputTokenCount));
        // Gemma's template knows no developers.
        var developed = await _client.GetResponseAsync([new(new("developer"), "Be brief."), Hello], Greedy, Cancel);
        Assert.Equal((told.Text, told.Usage?.InputTokenCount), (developed.Text, developed.Usage?.InputTokenCount));
    }

    [Fact]
    public async Task an_interruption_ends_the_answer_and_the_next_request_is_answered()
    {
        var whole = await _client.GetResponseAsync([Hello], Greedy, Cancel);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in _client.GetStreamingResponseAsync([Hello], Greedy, stop.Token))
                await stop.CancelAsync();
        });
        // So does whoever stops reading.
        await foreach (var _ in _client.GetStreamingResponseAsync([Hello], Greedy, Cancel))
            break;
        Assert.Equal(whole.Text, (await _client.GetResponseAsync([Hello], Greedy, Cancel)).Text);
    }

    [Fact]
    public async Task requests_at_the_same_time_wait_for_each_other()
    {
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(i => _client.GetResponseAsync([i % 2 == 0 ? Hello : Why], Greedy, Cancel))
        );
        Assert.Equal(answers[0].Text, answers[2].Text);
        Assert.Equal(answers[1].Text, answers[3].Text);
    }

    [Fact]
    public async Task what_is_no_conversation_is_refused()
    {
        await Refused([]);
        await Refused([Hello, new(ChatRole.Assistant, "I am.")]);
        await Refused([Hello, Why]);
        await Refused([Hello, new(ChatRole.Tool, "7"), Why]);
        await Refused([new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")])]);
        await Refused([Hello], new() { Temperature = -1 });
        var problem = await Assert.ThrowsAsync<ContextLengthException>(() =>
            _client.GetResponseAsync(string.Concat(Enumerable.Repeat("word ", 600)), Greedy, Cancel)
        );
        Assert.Contains("context of 512", problem.Message);

        Task Refused(ChatMessage[] messages, ChatOptions? options = null) =>
            Assert.ThrowsAsync<ArgumentProblemException>(() => _client.GetResponseAsync(messages, options, Cancel));
    }

    [Fact]
    public void it_says_which_model_it_is()
    {
        IChatClient client = new LocalJudge(_client, new RequestBudget(null));
        Assert.Equal("demo-it", ChatClients.NameOf(client));
        Assert.Same(_microscope.Model, client.GetService<GemmaModel>());
        Assert.Same(_client, client.GetService<GemmaChatClient>());
        Assert.Null(client.GetService<ChatEndpoint>());
    }

    [Fact]
    public async Task a_judge_in_this_process_counts_its_requests_and_keeps_its_answers_short()
    {
        using var judge = new LocalJudge(new GemmaChatClient(_microscope), new RequestBudget(1));
        var answer = await judge.GetResponseAsync([Hello], new() { MaxOutputTokens = 5 }, Cancel);
        Assert.InRange(answer.Usage!.OutputTokenCount!.Value, 1, 5);
        await Assert.ThrowsAsync<BudgetUsedUpException>(() => judge.GetResponseAsync([Hello], null, Cancel));
    }
}
