using System.CommandLine;
using System.Text.Json.Nodes;
using GemmaScope.Files;
using GemmaScope.Training;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Training;

/// <summary>The options that stand for keys of a configuration; they win over its file.</summary>
internal sealed class TrainingOptions
{
    private readonly List<(Option Option, string Key, Func<ParseResult, JsonNode?> Value)> _options = [];
    private readonly Option<bool> _search = new("--search")
    {
        Description = "Find the lambda that leads to --target-l0 by short runs first, instead of the quadratic penalty.",
    };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Any other key of the configuration, e.g. recipe.learning_rate=1e-4; may be repeated.",
        HelpName = "KEY=VALUE",
    };

    public TrainingOptions(Command command)
    {
        Text("kind", "--kind", "KIND", "sae, transcoder, skip_transcoder, crosscoder or clt. Default: sae.");
        Texts("sites", "--site", "SITE", "What the dictionary reads, e.g. resid_post.3; several for crosscoder and clt.");
        Texts("targets", "--target", "SITE", "What a transcoder writes. Default: the MLP output of the layers it reads.");
        Number("width", "--width", "Features, of all layers together. Default: 16384.");
        Texts("start", "--start", "DICTIONARY", "Begin with a given dictionary; for crosscoder and clt with one a layer.");
        Text("data.store", "--store", "FOLDER", "Train on a store of activations.");
        Text("data.synthetic", "--synthetic", "FILE", "Train on activations with known features (gemmascope synth make).");
        Text("data.model", "--model", "MODEL", "The model that reads the text. Default with --text: demo-pt.", "-m");
        Texts("data.text", "--text", "PATH", $"Train on what the model computes for these texts. {CommonOptions.Texts}");
        Text("data.text_column", ReadingArguments.ColumnName, "NAME", ReadingArguments.ColumnHelp);
        Flag("data.skip_bad_rows", ReadingArguments.SkipName, ReadingArguments.SkipHelp);
        Flag("data.separate_documents", ReadingArguments.SeparateName, ReadingArguments.SeparateHelp);
        Bytes("data.longest_line", ReadingArguments.Longest());
        Number("tokens", "--tokens", "Activations to train on.");
        Number("steps", "--steps", "Steps to train for, instead of --tokens.");
        Number("batch", "--batch", "Activations of a step. Default: 4096.");
        Real("recipe.lambda", "--lambda", "The weight of the sparsity term.");
        Real(
            "recipe.l0_target",
            "--target-l0",
            "Draw L0 there by the quadratic penalty (recipe.sparsity l0_target), or with --search by the right lambda."
        );
        Number("seed", "--seed", "Decides the first parameters; data.seed decides the order of the data.");
        Texts("evaluation.text", "--eval-text", "PATH", "Measure the result on these texts, losses of the model included.");
        Text("form", "--form", "FORM", "scope1, scope2 or sae_lens. Default: the one that says most of the dictionary.");
        Text("output", "--output", "FOLDER", "The folder of the result.", "-o");
        foreach (var (option, _, _) in _options)
            command.Options.Add(option);
        command.Options.Add(_search);
        command.Options.Add(_set);
    }

    /// <summary>The configuration of a file and these options.</summary>
    /// <exception cref="GemmaScopeException">A key is unknown, or a value cannot be used.</exception>
    public TrainingConfiguration Read(ParseResult arguments, string? file)
    {
        var configuration = TrainingConfiguration.Load(file, WithDefaults(Values(arguments), file));
        return configuration.Search.L0 is not null || !arguments.GetValue(_search)
            ? configuration
            : throw new ArgumentProblemException("needs --target-l0 N, the L0 to search for", "--search");
    }

    /// <summary>The values of --set.</summary>
    public static IEnumerable<(string Key, JsonNode? Value)> Set(string[]? pairs)
    {
        foreach (var pair in pairs ?? [])
        {
            if (pair.Split('=', 2) is not [{ Length: > 0 } key, var text])
                throw new ArgumentProblemException($"'{pair}' is no KEY=VALUE, e.g. recipe.learning_rate=1e-4", "--set");
            yield return (key, YamlFile.ParseValue(text, "--set"));
        }
    }

    private IEnumerable<(string Key, JsonNode? Value)> Values(ParseResult arguments)
    {
        foreach (var (option, key, value) in _options)
        {
            if (arguments.GetResult(option) is not { Implicit: false })
                continue;
            if (key == "recipe.l0_target" && arguments.GetValue(_search))
            {
                yield return ("search.l0", value(arguments));
                continue;
            }
            yield return (key, value(arguments));
            if (key == "recipe.l0_target")
                yield return ("recipe.sparsity", "l0_target");
        }
        foreach (var value in Set(arguments.GetValue(_set)))
            yield return value;
    }

    /// <summary>A text needs a model; without a file that might name one it is the demo model.</summary>
    private static List<(string Key, JsonNode? Value)> WithDefaults(IEnumerable<(string Key, JsonNode? Value)> values, string? file)
    {
        var given = values.ToList();
        if (file is null && given.Any(value => value.Key == "data.text") && given.All(value => value.Key != "data.model"))
            given.Add(("data.model", MicroscopeOptions.DemoModel));
        // They are of no model; the dictionary has to say something.
        if (file is null && given.Any(value => value.Key == "data.synthetic") && given.All(value => value.Key != "sites"))
            given.Add(("sites", new JsonArray("resid_post.0")));
        return given;
    }

    private void Text(string key, string name, string help, string description, params string[] aliases)
    {
        var option = new Option<string?>(name, aliases) { Description = description, HelpName = help };
        _options.Add((option, key, arguments => arguments.GetValue(option)));
    }

    private void Texts(string key, string name, string help, string description)
    {
        var option = new Option<string[]>(name)
        {
            Description = description,
            HelpName = help,
            AllowMultipleArgumentsPerToken = true,
        };
        _options.Add((option, key, arguments => new JsonArray([.. arguments.GetValue(option)!.Select(text => (JsonNode)text)])));
    }

    private void Flag(string key, string name, string description)
    {
        var option = new Option<bool>(name) { Description = description };
        _options.Add((option, key, arguments => arguments.GetValue(option)));
    }

    private void Bytes(string key, Option<long?> option) =>
        _options.Add((option, key, arguments => ReadingArguments.LongestOf(arguments.GetValue(option))));

    private void Number(string key, string name, string description)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "N" };
        _options.Add((option, key, arguments => arguments.GetValue(option)));
    }

    private void Real(string key, string name, string description)
    {
        var option = new Option<double?>(name) { Description = description, HelpName = "X" };
        _options.Add((option, key, arguments => arguments.GetValue(option)));
    }
}
