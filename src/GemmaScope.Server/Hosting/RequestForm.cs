using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>Reads the form of a request.</summary>
internal static class RequestForm
{
    /// <summary>Its fields by name, empty where there is none; line breaks have one character.</summary>
    /// <exception cref="ProblemException">It cannot be read: too many fields, no boundary between its parts, or cut short.</exception>
    public static async Task<Func<string, string>> ReadAsync(HttpContext context)
    {
        var reading = context.Request.ReadFormAsync(context.RequestAborted);
        await RequestBody.WholeAsync(reading).ConfigureAwait(false);
        var fields = await reading.ConfigureAwait(false);
        return name => fields[name].ToString().ReplaceLineEndings("\n");
    }
}
