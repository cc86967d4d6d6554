using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using GemmaScope.Cli.Completion;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>Options that several commands share, so that they mean the same everywhere.</summary>
internal static class CommonOptions
{
    public static Option<string> Model(string defaultModel = MicroscopeOptions.DemoModel) =>
        new Option<string>("--model", "-m")
        {
            Description = "A model: a folder, a GGUF file, demo-pt, demo-it, or org/name[@revision] on the hub.",
            HelpName = "MODEL",
            DefaultValueFactory = _ => defaultModel,
        }.Offering(KnownWords.Models);

    public static Option<Uri> Server() =>
        new("--server")
        {
            Description = "The server whose feature pages are linked.",
            HelpName = "URL",
            DefaultValueFactory = _ => new Uri("http://localhost:5000"),
            CustomParser = result =>
                Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
                    ? address
                    : Refuse(result, $"'{result.Tokens[0].Value}' is no web address, such as http://localhost:5000."),
        };

    /// <summary>A file that is written when everything else is done; a folder of that name is refused before.</summary>
    public static Option<string?> OutputFile(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "FILE" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && Directory.Exists(token.Value))
                result.AddError($"{name}: {token.Value} is a folder; give the name of a file to write");
        });
        return option;
    }

    /// <summary>What <c>--text</c> takes, in every command that reads a corpus.</summary>
    public const string Texts =
        "Text, .jsonl, .csv or .parquet files (also .gz, .zst), or folders of them; PATH#COLUMN names another column than 'text'.";

    /// <summary>The corpus that a command reads.</summary>
    /// <param name="purpose">Said before what is taken: which text it should be.</param>
    /// <param name="purpose">What it is read for.</param>
    /// <param name="standard">The demo texts that are read where none is named.</param>
    public static Option<string[]> Text(string purpose = "", string standard = DemoFiles.Texts) =>
        new Option<string[]>("--text")
        {
            Description = purpose + Texts,
            HelpName = "PATH",
            DefaultValueFactory = _ => [standard],
            AllowMultipleArgumentsPerToken = true,
        }.Offering(KnownWords.Texts);

    /// <summary>A share, of which 1 is all.</summary>
    public static Option<double> Share(string name, string description, double standard) => Real(name, "SHARE", description, standard);

    /// <summary>A number that need not be whole.</summary>
    public static Option<double> Real(string name, string helpName, string description, double standard) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => standard,
        };

    /// <summary>Numbers between commas; <see cref="Quantity.Numbers"/> reads them.</summary>
    public static Option<string> Numbers(string name, string description, IEnumerable<double> standard) =>
        Words(name, "S,…", description, string.Join(',', standard.Select(one => one.ToString(CultureInfo.InvariantCulture))));

    /// <summary>A text that has a usual form.</summary>
    public static Option<string> Words(string name, string helpName, string description, string standard) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => standard,
        };

    /// <summary>A file that may be given.</summary>
    public static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };

    /// <summary>How much of a text is read.</summary>
    public static Option<long> TextTokens(long standard) =>
        new("--tokens")
        {
            Description = "Tokens of that text.",
            HelpName = "N",
            DefaultValueFactory = _ => standard,
        };

    /// <summary>A whole number with a default, which is the job's own.</summary>
    public static Option<int> Number(string name, string helpName, string description, int defaultValue) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => defaultValue,
        };

    /// <summary>Switches off what is done whenever dictionaries are opened.</summary>
    public static Option<bool> NoCheck() =>
        new("--no-check") { Description = "Do not find out first whether a dictionary reads what it was trained on." };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON for programs." };

    private static Uri? Refuse(ArgumentResult result, string message)
    {
        result.AddError(message);
        return null;
    }
}

/// <summary>The sampling options of the commands that write text.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int> _maxTokens,
        _topK;
    private readonly Option<double> _temperature,
        _topP,
        _repetition,
        _frequency;
    private readonly Option<int?> _seed;

    public SamplingOptions(Command command, GenerationOptions? defaults = null)
    {
        var given = defaults ?? new GenerationOptions();
        _maxTokens = new("--max-tokens", "-n")
        {
            Description = "New tokens at most.",
            HelpName = "N",
            DefaultValueFactory = _ => given.MaxNewTokens,
        };
        _temperature = new("--temperature", "-t")
        {
            Description = "Logits are divided by it; 0 always takes the most likely token.",
            HelpName = "T",
            DefaultValueFactory = _ => given.Temperature,
        };
        _topK = new("--top-k")
        {
            Description = "Sample from the K most likely tokens; 0 for all.",
            HelpName = "K",
            DefaultValueFactory = _ => given.TopK,
        };
        _topP = new("--top-p")
        {
            Description = "Sample from the most likely tokens whose probabilities reach P together.",
            HelpName = "P",
            DefaultValueFactory = _ => given.TopP,
        };
        _repetition = new("--repetition-penalty")
        {
            Description = "Makes tokens that were seen less likely; 1 for none.",
            HelpName = "R",
            DefaultValueFactory = _ => given.RepetitionPenalty,
        };
        _frequency = new("--frequency-penalty")
        {
            Description = "Subtracted from a token's logit for each time it was seen; 0 for none.",
            HelpName = "F",
            DefaultValueFactory = _ => given.FrequencyPenalty,
        };
        _seed = new("--seed")
        {
            Description = given.Seed is null
                ? "The same seed gives the same text; drawn where none is given."
                : "The same seed gives the same text.",
            HelpName = "N",
        };
        if (given.Seed is { } seed)
            _seed.DefaultValueFactory = _ => seed;
        foreach (var option in (Option[])[_maxTokens, _temperature, _topK, _topP, _repetition, _frequency, _seed])
            command.Options.Add(option);
    }

    public GenerationOptions Read(ParseResult arguments) =>
        new()
        {
            MaxNewTokens = arguments.GetValue(_maxTokens),
            Temperature = arguments.GetValue(_temperature),
            TopK = arguments.GetValue(_topK),
            TopP = arguments.GetValue(_topP),
            RepetitionPenalty = arguments.GetValue(_repetition),
            FrequencyPenalty = arguments.GetValue(_frequency),
            Seed = arguments.GetValue(_seed),
        };
}
