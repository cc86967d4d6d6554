using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace GemmaScope.Server.Hosting;

/// <summary>Reads the JSON of a request. What is wrong with it is said by field and kind, never by repeating it.</summary>
internal static partial class RequestBody
{
    /// <summary>The content type of requests.</summary>
    public const string JsonType = "application/json";

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>The body as a value.</summary>
    /// <exception cref="ProblemException">It is no JSON, or not of this form.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context)
        where T : class
    {
        RequireJson(context.Request);
        using var read = new MemoryStream();
        await WholeAsync(context.Request.Body.CopyToAsync(read, context.RequestAborted)).ConfigureAwait(false);
        var body = read.GetBuffer().AsMemory(0, (int)read.Length);
        if (body.Span.StartsWith(ByteOrderMark))
            body = body[ByteOrderMark.Length..];
        if (JsonUnicode.FindBroken(body.Span) is { } broken)
            throw new ProblemException(
                StatusCodes.Status400BadRequest,
                $"{(broken.Length == 0 ? "the body" : broken)} is not valid Unicode",
                "send UTF-8, and both halves of a character that is escaped in two",
                broken.Length == 0 ? null : broken
            );
        try
        {
            return JsonSerializer.Deserialize<T>(body.Span, ServerJson.Options)
                ?? throw new ProblemException(
                    StatusCodes.Status400BadRequest,
                    "the body is null",
                    "send an object; /openapi.json describes it"
                );
        }
        catch (JsonException problem)
        {
            var field = problem.Path?.TrimStart('$').TrimStart('.') is { Length: > 0 } path ? path : Missing(problem);
            throw new ProblemException(
                StatusCodes.Status400BadRequest,
                Describe(problem, field),
                "/openapi.json describes what is understood",
                field
            );
        }
    }

    /// <summary>Waits for the reading of a body. Whatever fails there is wrong with what is sent: a size that is none, a header behind
    /// the body, a form without boundary, an encoding that nobody reads.</summary>
    public static async Task WholeAsync(Task reading)
    {
        try
        {
            await reading.ConfigureAwait(false);
        }
        // One that is too large or breaks off is known to the server as such.
        catch (Exception problem) when (problem is not (BadHttpRequestException or OperationCanceledException))
        {
            throw new ProblemException(
                StatusCodes.Status400BadRequest,
                "The body cannot be read: it is cut short, is not of the form that its head says, or has too many fields",
                "Send it whole, in UTF-8."
            );
        }
    }

    /// <summary>JSON between programs is UTF-8 (RFC 8259); text in another encoding would be judged as another text.</summary>
    private static void RequireJson(HttpRequest request)
    {
        if (
            !MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !(
                type.MediaType.Equals(JsonType, StringComparison.OrdinalIgnoreCase)
                || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)
            )
        )
            throw Problems.OfStatus(StatusCodes.Status415UnsupportedMediaType);
        var charset = HeaderUtilities.RemoveQuotes(type.Charset);
        if (
            charset.Length > 0
            && !charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            && !charset.Equals("utf8", StringComparison.OrdinalIgnoreCase)
            && !charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase)
        )
            throw new ProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "the body is declared to be in another encoding than UTF-8",
                "send UTF-8, and Content-Type: application/json"
            );
    }

    // The serializer's own messages name .NET types and quote what they found.
    private static string Describe(JsonException problem, string? field) =>
        problem.InnerException is JsonException || field is null
            ? $"the body is no JSON object that can be read (line {problem.LineNumber + 1}, byte {problem.BytePositionInLine})"
        : problem.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"'{field}' is unknown"
        : problem.Message.StartsWith("Duplicate", StringComparison.Ordinal) ? $"'{field}' is there twice"
        : problem.Message.Contains("missing required", StringComparison.Ordinal) ? $"'{field}' is missing"
        : $"'{field}' is not of the type that is expected";

    /// <summary>The first field that had to be there, which the serializer's message alone names.</summary>
    private static string? Missing(JsonException problem) =>
        MissingField().Match(problem.Message) is { Success: true } found ? found.Groups[1].Value : null;

    [GeneratedRegex("missing required properties including: '([^']+)'")]
    private static partial Regex MissingField();
}
