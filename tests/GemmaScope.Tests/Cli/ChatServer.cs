using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Features.Interpretation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Tests.Cli;

/// <summary>A request to the chat-completions API as it came over the wire.</summary>
internal sealed record ChatRequest(int Number, string Path, string? Authorization, long? Length, JsonElement Body)
{
    public string Message => Body.GetProperty("messages")[0].GetProperty("content").GetString()!;
}

/// <summary>A real server on a free port of loopback that speaks the chat-completions API, faults included.</summary>
internal sealed class ChatServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _number;
    private int _running,
        _mostAtOnce;

    private ChatServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single() + "/v1");

    public ConcurrentQueue<ChatRequest> Requests { get; } = new();

    /// <summary>Requests that were answered at the same time, at most.</summary>
    public int MostAtOnce => _mostAtOnce;

    /// <summary>Starts it.</summary>
    /// <param name="answer">Writes the answer to a request.</param>
    public static async Task<ChatServer> Start(Func<ChatRequest, HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new ChatServer(app);
        app.MapPost(
            "/{**path}",
            async context =>
            {
                var now = Interlocked.Increment(ref server._running);
                for (var most = server._mostAtOnce; now > most; most = server._mostAtOnce)
                    Interlocked.CompareExchange(ref server._mostAtOnce, now, most);
                using var body = await JsonDocument.ParseAsync(context.Request.Body);
                var request = new ChatRequest(
                    Interlocked.Increment(ref server._number),
                    context.Request.Path,
                    context.Request.Headers.Authorization,
                    context.Request.ContentLength,
                    body.RootElement.Clone()
                );
                server.Requests.Enqueue(request);
                try
                {
                    await answer(request, context);
                }
                finally
                {
                    Interlocked.Decrement(ref server._running);
                }
            }
        );
        await app.StartAsync();
        return server;
    }

    /// <summary>An answer as the API has it.</summary>
    public static Task Say(HttpContext context, string? text) =>
        context.Response.WriteAsJsonAsync(
            new
            {
                id = "chatcmpl-1",
                @object = "chat.completion",
                choices = (object[])
                    [
                        new
                        {
                            index = 0,
                            finish_reason = "stop",
                            message = new { role = "assistant", content = text },
                        },
                    ],
                usage = new
                {
                    prompt_tokens = 90,
                    completion_tokens = 10,
                    total_tokens = 100,
                },
            }
        );

    /// <summary>
    /// Explains a feature by the word that is marked most often, and judges by looking for the word that an explanation names.
    /// </summary>
    public static Task Sensible(ChatRequest request, HttpContext context)
    {
        if (Regex.Match(request.Message, "Somebody says of it: \"the word (.*)\"") is not { Success: true } said)
        {
            if (request.Message.StartsWith("Answer with the digit", StringComparison.Ordinal))
                return Say(context, "1");
            var word = Regex
                .Matches(request.Message, "<<(.+?)>>")
                .GroupBy(mark => mark.Groups[1].Value)
                .OrderByDescending(group => group.Count())
                .Skip(1)
                .First()
                .Key;
            return Say(context, $"EXPLANATION: the detector reacts to the word {word}");
        }
        var passages = Regex.Matches(request.Message, @"^\d+\. (.*)$", RegexOptions.Multiline).Select(line => line.Groups[1].Value);
        var wanted = request.Message.Contains("marked with", StringComparison.Ordinal) ? $"<<{said.Groups[1].Value}" : said.Groups[1].Value;
        return Say(
            context,
            $"[{string.Join(", ", passages.Select(passage => passage.Contains(wanted, StringComparison.Ordinal) ? 1 : 0))}]"
        );
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
