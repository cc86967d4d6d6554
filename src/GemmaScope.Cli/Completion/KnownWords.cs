using System.CommandLine;
using System.CommandLine.Completions;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Safety;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Completion;

/// <summary>Values that are known before a command runs; they are offered, and others taken too.</summary>
internal static class KnownWords
{
    private static readonly string[] Shields = ["google/shieldgemma-2b", "google/shieldgemma-9b", "google/shieldgemma-27b"];

    /// <summary>Offers values of an option.</summary>
    public static T Offering<T>(this T option, Func<IEnumerable<string>> words)
        where T : Option
    {
        option.CompletionSources.Add(_ => words().Select(word => new CompletionItem(word)));
        return option;
    }

    /// <summary>Offers values of an argument.</summary>
    public static Argument<T> Offering<T>(this Argument<T> argument, Func<IEnumerable<string>> words)
    {
        argument.CompletionSources.Add(_ => words().Select(word => new CompletionItem(word)));
        return argument;
    }

    /// <summary>The models that come along, those that dictionaries of the catalogue were trained on, and the guards.</summary>
    public static IEnumerable<string> Models() =>
        [MicroscopeOptions.DemoModel, MicroscopeOptions.DemoChat, .. CatalogueModels().Select(model => $"google/{model}"), .. Shields];

    /// <summary>The same as the catalogue names them.</summary>
    public static IEnumerable<string> CatalogueModels() =>
        Entries()
            .Select(entry => entry.Model.Split('/')[^1])
            .Where(model => !model.StartsWith("demo-", StringComparison.Ordinal) && !model.StartsWith("gemma-2b", StringComparison.Ordinal))
            .Distinct()
            .Order(StringComparer.Ordinal);

    /// <summary>The demo's dictionaries and those of the catalogue.</summary>
    public static IEnumerable<string> Dictionaries() => ["demo-sae", .. Entries().Select(entry => entry.Reference)];

    /// <summary>The sites that dictionaries of the catalogue read.</summary>
    public static IEnumerable<string> Sites() => Entries().Select(entry => entry.InputKind).Distinct();

    public static IEnumerable<string> Texts() => [DemoFiles.Texts, DemoFiles.HeldOutTexts];

    public static IEnumerable<string> Policies() => ShieldPolicy.Official.Select(policy => policy.Key);

    public static IEnumerable<string> Templates() => ShieldTemplate.All.Select(template => template.Name);

    public static IEnumerable<string> SteeringModes() => Steering.Modes.Keys;

    public static IEnumerable<string> SteeredPositions() => Steering.PositionNames.Keys;

    /// <summary>What is offered while somebody types must not fail: without the user's own lists where they are damaged.</summary>
    private static IReadOnlyList<CatalogueEntry> Entries()
    {
        try
        {
            return DictionaryCatalogue.Load().Entries;
        }
        catch (GemmaScopeException)
        {
            return DictionaryCatalogue.BuiltIn.Entries;
        }
    }
}
