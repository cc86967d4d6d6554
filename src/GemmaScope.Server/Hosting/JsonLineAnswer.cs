using System.Text.Json;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>Answers with a JSON value in each line, sent as soon as it is there. What goes wrong before the first is answered as a problem;
/// later the answer breaks off.</summary>
internal static class JsonLineAnswer
{
    public const string ContentType = "application/x-ndjson";

    public static async Task WriteAsync<T>(HttpContext context, IAsyncEnumerable<T> values)
    {
        await foreach (var value in values.ConfigureAwait(false))
        {
            if (!context.Response.HasStarted)
                context.Response.ContentType = ContentType;
            await context
                .Response.Body.WriteAsync(
                    (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(value, ResultJson.Compact), (byte)'\n'],
                    context.RequestAborted
                )
                .ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }
}
