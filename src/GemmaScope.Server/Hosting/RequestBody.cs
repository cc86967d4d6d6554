using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>Reads the JSON of a request. What is wrong with it is said by field and kind, never by repeating it.</summary>
internal static class RequestBody
{
    /// <summary>The body as a value.</summary>
    /// <exception cref="ProblemException">It is no JSON, or not of this form.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context)
        where T : class
    {
        try
        {
            return await JsonSerializer
                    .DeserializeAsync<T>(context.Request.Body, ServerJson.Options, context.RequestAborted)
                    .ConfigureAwait(false)
                ?? throw new ProblemException(
                    StatusCodes.Status400BadRequest,
                    "the body is null",
                    "send an object; /openapi.json describes it"
                );
        }
        catch (JsonException problem)
        {
            var field = problem.Path?.TrimStart('$').TrimStart('.') is { Length: > 0 } path ? path : null;
            throw new ProblemException(
                StatusCodes.Status400BadRequest,
                Describe(problem, field),
                "/openapi.json describes what is understood",
                field
            );
        }
    }

    // The serializer's own messages name .NET types and quote what they found.
    private static string Describe(JsonException problem, string? field) =>
        problem.InnerException is JsonException || field is null
            ? $"the body is no JSON object that can be read (line {problem.LineNumber + 1}, byte {problem.BytePositionInLine})"
        : problem.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"'{field}' is unknown"
        : problem.Message.StartsWith("Duplicate", StringComparison.Ordinal) ? $"'{field}' is there twice"
        : $"'{field}' is not of the type that is expected";
}
