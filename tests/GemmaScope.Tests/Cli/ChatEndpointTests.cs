using System.Net;
using System.Net.Sockets;
using GemmaScope.Cli;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>The client of the chat-completions API against a real server, with what servers do.</summary>
public class ChatEndpointTests
{
    private const string Token = "secret-token-1234";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(20);

    private readonly TestClock _clock = new();

    private ChatEndpoint Client(Uri address, RequestBudget? budget = null, string? token = null) =>
        new(
            new()
            {
                Endpoint = address,
                EndpointModel = "tiny",
                Token = token,
                TokenVariable = "SOME_TOKEN",
                Timeout = Patient,
                Attempts = 3,
                FirstPause = TimeSpan.FromMilliseconds(5),
                Clock = _clock,
            },
            budget ?? new RequestBudget(null)
        );

    private static async Task<string?> Ask(ChatEndpoint client, string message = "?", int maxTokens = 1, CancellationToken? cancel = null)
    {
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = maxTokens };
        var text = (await client.GetResponseAsync(message, options, cancel ?? Cancel)).Text;
        return string.IsNullOrWhiteSpace(text) ? null : text;
    }

    /// <summary>The client's patience ends before there is an answer.</summary>
    private Task LetTimePass(HttpContext context)
    {
        _clock.Advance(Patient);
        return Gone(context);
    }

    /// <summary>Waits until the client has gone.</summary>
    private static Task Gone(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        context.RequestAborted.Register(gone.SetCanceled);
        return gone.Task;
    }

    [Fact]
    public async Task a_question_is_sent_as_the_api_has_it_and_its_answer_read()
    {
        await using var server = await ChatServer.Start((_, context) => ChatServer.Say(context, "hello"));
        using var client = Client(server.Address, token: Token);
        Assert.Equal("hello", await Ask(client, "Who?", 77));
        var request = Assert.Single(server.Requests);
        Assert.Equal(("/v1/chat/completions", "Bearer " + Token), (request.Path, request.Authorization));
        Assert.NotNull(request.Length);
        Assert.Equal(
            ("tiny", "Who?", "user", 77, 0, false),
            (
                request.Body.GetProperty("model").GetString(),
                request.Message,
                request.Body.GetProperty("messages")[0].GetProperty("role").GetString(),
                request.Body.GetProperty("max_tokens").GetInt32(),
                request.Body.GetProperty("temperature").GetInt32(),
                request.Body.GetProperty("stream").GetBoolean()
            )
        );
        Assert.Equal((100, 0, 0), (client.Tokens, client.Retries, client.Unusable));
    }

    [Fact]
    public async Task a_conversation_and_its_options_are_sent_and_counts_come_back()
    {
        await using var server = await ChatServer.Start((_, context) => ChatServer.Say(context, "red"));
        using var client = Client(server.Address);
        var said = await client
            .GetStreamingResponseAsync(
                [
                    new(ChatRole.System, "Be brief."),
                    new(ChatRole.User, "Which?"),
                    new(ChatRole.Assistant, "Blue."),
                    new(ChatRole.User, "Or?"),
                ],
                new()
                {
                    Temperature = 0.7f,
                    TopP = 0.9f,
                    StopSequences = ["."],
                    Seed = 12,
                },
                Cancel
            )
            .ToChatResponseAsync(Cancel);
        Assert.Equal(("red", 100L), (said.Text, said.Usage?.TotalTokenCount));
        var body = server.Requests.Single().Body;
        Assert.Equal(
            ["system", "user", "assistant", "user"],
            body.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("role").GetString())
        );
        Assert.Equal(
            ("0.7", "0.9", ".", 12),
            (
                body.GetProperty("temperature").GetRawText(),
                body.GetProperty("top_p").GetRawText(),
                body.GetProperty("stop")[0].GetString(),
                body.GetProperty("seed").GetInt32()
            )
        );
        Assert.False(body.TryGetProperty("max_tokens", out _));
        Assert.Equal("tiny", ChatClients.NameOf(client));
    }

    [Fact]
    public async Task a_picture_is_refused_before_it_is_sent()
    {
        using var client = Client(new Uri("http://localhost:1/v1"));
        var message = new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        await Assert.ThrowsAsync<ArgumentProblemException>(() => client.GetResponseAsync([message], null, Cancel));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/chat/completions")]
    public async Task the_address_may_be_given_with_or_without_its_end(string end)
    {
        await using var server = await ChatServer.Start((_, context) => ChatServer.Say(context, "yes"));
        using var client = Client(new Uri(server.Address + end));
        await Ask(client);
        Assert.Equal("/v1/chat/completions", server.Requests.Single().Path);
        Assert.Null(server.Requests.Single().Authorization);
    }

    [Fact]
    public async Task a_server_that_asks_to_wait_is_given_the_time_it_asks_for()
    {
        await using var server = await ChatServer.Start(
            (request, context) =>
            {
                if (request.Number > 1)
                    return ChatServer.Say(context, "now");
                (context.Response.StatusCode, context.Response.Headers.RetryAfter) = (429, "1");
                return Task.CompletedTask;
            }
        );
        using var client = Client(server.Address);
        Assert.Equal("now", await Ask(client));
        Assert.Equal([TimeSpan.FromSeconds(1)], _clock.Waits);
        Assert.Equal((2, 1), (server.Requests.Count, client.Retries));
    }

    [Fact]
    public async Task a_server_that_asks_to_come_back_tomorrow_ends_it()
    {
        await using var server = await ChatServer.Start(
            (_, context) =>
            {
                (context.Response.StatusCode, context.Response.Headers.RetryAfter) = (429, "86400");
                return Task.CompletedTask;
            }
        );
        using var client = Client(server.Address);
        Assert.Contains("asks to wait 24.0 h", (await Assert.ThrowsAsync<GemmaScopeException>(() => Ask(client))).Describe(OptionWords.Of));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(408)]
    public async Task what_may_pass_is_asked_again_and_what_does_not_pass_is_said(int status)
    {
        await using var server = await ChatServer.Start(
            (request, context) =>
            {
                if (request.Number == 3)
                    return ChatServer.Say(context, "better");
                context.Response.StatusCode = status;
                return context.Response.WriteAsync("out of\nmemory");
            }
        );
        using var client = Client(server.Address);
        Assert.Equal("better", await Ask(client));
        Assert.Equal(2, client.Retries);
        var problem = await Assert.ThrowsAsync<GemmaScopeException>(() => Ask(client));
        Assert.Contains($"{server.Address}/chat/completions: answers with {status} (out of memory)", problem.Describe(OptionWords.Of));
        Assert.Equal(6, server.Requests.Count);
    }

    [Theory]
    [InlineData("<html><body>Welcome</body></html>")]
    [InlineData("{\"choices\": []}")]
    [InlineData("{\"choices\": [7]}")]
    [InlineData("[1, 2]")]
    [InlineData("")]
    public async Task another_kind_of_server_is_noticed(string body)
    {
        await using var server = await ChatServer.Start((_, context) => context.Response.WriteAsync(body));
        using var client = Client(server.Address);
        Assert.Contains(
            "usually ends with /v1",
            (await Assert.ThrowsAsync<GemmaScopeException>(() => Ask(client))).Describe(OptionWords.Of)
        );
    }

    [Fact]
    public async Task garbage_of_a_server_that_has_answered_before_is_counted()
    {
        await using var server = await ChatServer.Start(
            (request, context) =>
                request.Number == 1 ? ChatServer.Say(context, "fine") : context.Response.WriteAsync("{\"choices\": [{\"mess")
        );
        using var client = Client(server.Address);
        Assert.Equal("fine", await Ask(client));
        Assert.Null(await Ask(client));
        Assert.Equal((1, 2, 4), (client.Unusable, client.Retries, server.Requests.Count));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("  ")]
    public async Task silence_is_no_answer_and_not_asked_for_again(string? text)
    {
        await using var server = await ChatServer.Start((_, context) => ChatServer.Say(context, text));
        using var client = Client(server.Address);
        Assert.Null(await Ask(client));
        Assert.Equal((1, 1), (client.Unusable, server.Requests.Count));
    }

    [Fact]
    public async Task a_slow_answer_is_given_up_and_asked_for_again()
    {
        await using var server = await ChatServer.Start(
            async (request, context) =>
            {
                if (request.Number == 1)
                    await LetTimePass(context);
                await ChatServer.Say(context, "at last");
            }
        );
        using var client = Client(server.Address);
        Assert.Equal("at last", await Ask(client));
        Assert.Equal(1, client.Retries);
    }

    [Fact]
    public async Task a_server_that_is_always_slow_is_named_with_the_option_that_helps()
    {
        await using var server = await ChatServer.Start((_, context) => LetTimePass(context));
        using var client = Client(server.Address);
        Assert.Contains(
            "no answer within 20 s; wait longer with --timeout",
            (await Assert.ThrowsAsync<GemmaScopeException>(() => Ask(client))).Describe(OptionWords.Of)
        );
    }

    [Fact]
    public async Task a_server_that_is_not_there_is_named_at_once()
    {
        using var client = Client(new Uri($"http://127.0.0.1:{FreePort()}/v1"));
        var problem = await Assert.ThrowsAsync<GemmaScopeException>(() => Ask(client));
        Assert.Contains("/v1/chat/completions: cannot be reached", problem.Describe(OptionWords.Of));
        Assert.Contains("start the server, or correct --endpoint", problem.Describe(OptionWords.Of));
        Assert.Equal(0, client.Retries);
    }

    [Theory]
    [InlineData(401, "SOME_TOKEN")]
    [InlineData(404, "--endpoint-model")]
    [InlineData(400, "--per-question")]
    [InlineData(307, "http://127.0.0.1:1/other")]
    public async Task what_will_not_pass_is_not_asked_again_and_says_the_cure(int status, string says)
    {
        await using var server = await ChatServer.Start(
            (_, context) =>
            {
                (context.Response.StatusCode, context.Response.Headers.Location) = (status, "http://127.0.0.1:1/other");
                return context.Response.WriteAsync($"no, {Token} may not");
            }
        );
        using var client = Client(server.Address, token: Token);
        var problem = await Assert.ThrowsAsync<GemmaScopeException>(() => Ask(client));
        Assert.Contains(says, problem.Describe(OptionWords.Of));
        Assert.DoesNotContain(Token, problem.ToString());
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task the_budget_counts_repeated_requests_too()
    {
        await using var server = await ChatServer.Start(
            (_, context) =>
            {
                context.Response.StatusCode = 500;
                return Task.CompletedTask;
            }
        );
        var budget = new RequestBudget(2);
        using var client = Client(server.Address, budget);
        await Assert.ThrowsAsync<BudgetUsedUpException>(() => Ask(client));
        Assert.Equal((2, 2), (server.Requests.Count, budget.Used));
        Assert.False(budget.Allows(1));
    }

    [Fact]
    public async Task an_interruption_ends_the_waiting()
    {
        using var stop = new CancellationTokenSource();
        await using var server = await ChatServer.Start(
            async (_, context) =>
            {
                await stop.CancelAsync();
                await Gone(context);
            }
        );
        using var client = Client(server.Address);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Ask(client, cancel: stop.Token));
    }

    [Fact]
    public void a_password_in_the_address_and_a_broken_token_are_refused()
    {
        Assert.Contains(
            "SOME_TOKEN",
            Assert.Throws<ArgumentProblemException>(() => Client(new Uri("http://me:pass@localhost/v1"))).Message
        );
        Assert.Contains(
            "copy the token again",
            Assert.Throws<ArgumentProblemException>(() => Client(new Uri("http://localhost/v1"), token: "two parts")).Message
        );
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
