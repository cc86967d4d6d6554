using System.CommandLine;
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
        ["Targets"] = "target",
        ["Weights"] = "weight",
        ["Storage"] = "weights",
        ["Truncation"] = "truncate",
        ["QueueLength"] = "queue",
        ["AllowedHosts"] = "allow-host",
        ["AllowedOrigins"] = "cors",
        ["AsMessage"] = "chat",
        ["MaxTime"] = "max-minutes",
        ["SteeredFeatures"] = "feature",
        ["Directions"] = "direction",
    };

    /// <summary>The option of a setting, with its value, in whichever command has one.</summary>
    public static string Of(Setting setting) => With($"--{Name(setting)}", setting);

    /// <summary>How one command names settings: as its option or argument. What it has no word for is named in plain words, as nothing is
    /// worse than advice that the next line refuses.</summary>
    /// <param name="command">The command.</param>
    public static Func<Setting, string> In(Command command)
    {
        var options = new HashSet<string>(command.Options.Select(option => option.Name));
        foreach (var parent in command.Parents.OfType<Command>().SelectMany(one => one.Parents.OfType<Command>().Append(one)))
            options.UnionWith(parent.Options.Where(option => option.Recursive).Select(option => option.Name));
        var arguments = new HashSet<string>(command.Arguments.Select(argument => argument.Name));
        return setting =>
        {
            var name = Name(setting);
            return options.Contains($"--{name}") ? With($"--{name}", setting)
                : arguments.Contains(name) ? With(name, setting)
                : With(name.Replace('-', ' '), setting);
        };
    }

    private static string Name(Setting setting) =>
        Names.GetValueOrDefault(setting.Name) ?? JsonNamingPolicy.KebabCaseLower.ConvertName(setting.Name);

    private static string With(string word, Setting setting) => setting.Value is null ? word : $"{word} {setting.Value}";
}
