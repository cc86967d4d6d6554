using System.Text.Json;

namespace GemmaScope.Cli;

/// <summary>How the command names the settings that errors and notes of the library speak of.</summary>
internal static class OptionWords
{
    /// <summary>Settings whose option has another name than theirs.</summary>
    private static readonly Dictionary<string, string> Names = new()
    {
        ["Dictionaries"] = "sae",
        ["Overwrite"] = "force",
        ["Type"] = "dtype",
        ["BucketRows"] = "bucket",
        ["Target"] = "out",
        ["Truncation"] = "truncate",
        ["QueueLength"] = "queue",
        ["AllowedHosts"] = "allow-host",
        ["AllowedOrigins"] = "cors",
        ["SteeredFeatures"] = "feature",
    };

    /// <summary>The option of a setting, with its value.</summary>
    public static string Of(Setting setting)
    {
        var name = "--" + (Names.GetValueOrDefault(setting.Name) ?? JsonNamingPolicy.KebabCaseLower.ConvertName(setting.Name));
        return setting.Value is null ? name : $"{name} {setting.Value}";
    }
}
