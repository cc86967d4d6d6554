using System.Text.Json;

namespace GemmaScope.Server.Hosting;

/// <summary>How the server names the settings that errors of the library speak of: as fields of a request.</summary>
internal static class FieldWords
{
    /// <summary>Settings whose field has another name than theirs.</summary>
    private static readonly Dictionary<string, string> Names = new() { [nameof(Safety.ShieldOptions.Truncation)] = "truncate" };

    /// <summary>The field of a setting, with its value.</summary>
    public static string Of(Setting setting)
    {
        var name = Names.GetValueOrDefault(setting.Name) ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(setting.Name);
        return setting.Value is null ? name : $"{name}: {setting.Value}";
    }

    /// <summary>The field, file or tensor that an error is about, or null.</summary>
    public static string? Field(GemmaScopeException problem) => problem.Setting is { } setting ? Of(setting) : problem.Location;

    /// <summary>What is wrong and where, without what to do.</summary>
    public static string Problem(GemmaScopeException problem) =>
        Field(problem) is { Length: > 0 } place ? $"{place}: {problem.Problem}" : problem.Problem;

    /// <summary>What to do, or null where the problem says it.</summary>
    public static string? Cure(GemmaScopeException problem) => problem.Remedy?.Describe(Of);

    /// <summary>All of it in a sentence.</summary>
    public static string Describe(GemmaScopeException problem) => problem.Describe(Of);
}
