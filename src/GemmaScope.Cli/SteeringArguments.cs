using System.CommandLine;
using System.Globalization;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;

namespace GemmaScope.Cli;

/// <summary>What to steer with and how: the options of the command that steers.</summary>
internal sealed class SteeringArguments
{
    // The defaults of Neuronpedia (METHODS §7); a contrast vector is added as it is.
    private const double FeatureStrength = 10,
        VectorStrength = 1;

    private readonly Option<string[]> _features = new("--feature")
    {
        Description = "A feature to steer with, and its own strength if it has one; may be repeated.",
        HelpName = "N[:STRENGTH]",
    };
    private readonly Option<string> _mode = new("--mode")
    {
        Description = $"How: {string.Join(", ", Steering.Modes.Keys)}.",
        HelpName = "MODE",
        DefaultValueFactory = _ => "add",
    };
    private readonly Option<double?> _strength = new("--strength")
    {
        Description =
            $"The strength of all features that have none of their own; {FeatureStrength} where none is given, for a contrast vector {VectorStrength}.",
        HelpName = "C",
    };
    private readonly Option<string?> _sweep = new("--sweep")
    {
        Description = "Several strengths, such as -10,0,10,30: a table of what each does to the text.",
        HelpName = "C,C,…",
    };
    private readonly Option<string?> _contrast = new("--contrast")
    {
        Description =
            "Steer with the mean difference of pairs instead of features: JSON lines with prompt, positive, negative. Needs --layer.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _positions = new("--positions")
    {
        Description =
            "Steer at all positions, from the prompt's last on, or at new ones only; never at BOS. Default: all, for a contrast vector new.",
        HelpName = "all|last|new",
    };
    private readonly Option<bool> _bos = new("--bos") { Description = "Steer at BOS too." };

    public SteeringArguments(Command command)
    {
        foreach (var option in (Option[])[_features, _mode, _strength, _sweep, _contrast, _positions, _bos])
            command.Options.Add(option);
    }

    /// <summary>The file of contrast pairs, or null.</summary>
    public string? Contrast(ParseResult arguments) => arguments.GetValue(_contrast);

    /// <summary>Whether BOS is steered.</summary>
    public bool IncludesBos(ParseResult arguments) => arguments.GetValue(_bos);

    /// <summary>The strengths of a sweep, or null.</summary>
    public double[]? Sweep(ParseResult arguments)
    {
        if (arguments.GetValue(_sweep) is not { } text)
            return null;
        double[] strengths = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part => Number(part, "--sweep"))];
        if (arguments.GetValue(_strength) is not null)
            throw new ArgumentProblemException("give --strength or --sweep, not both", "--sweep");
        if (Features(arguments).Any(one => one.Strength is not null))
            throw new ArgumentProblemException("gives all features the same strengths; leave out those of single features", "--sweep");
        RequireStrength(arguments, "--sweep");
        return strengths;
    }

    /// <summary>At which positions.</summary>
    public (string Name, SteeredPositions Positions) Positions(ParseResult arguments)
    {
        var name = arguments.GetValue(_positions) ?? (Contrast(arguments) is null ? "all" : "new");
        return Steering.PositionNames.TryGetValue(name, out var found)
            ? (name, found)
            : throw new ArgumentProblemException($"'{name}' is none of {string.Join(", ", Steering.PositionNames.Keys)}", "--positions");
    }

    /// <summary>The mode by its name.</summary>
    public string ModeName(ParseResult arguments) => arguments.GetValue(_mode)!;

    /// <summary>The strength of each feature, or of the contrast vector: its own, else that of a sweep or of the options; empty where the
    /// mode has none.</summary>
    public double[] Strengths(ParseResult arguments, double? sweep = null) =>
        Contrast(arguments) is not null ? [sweep ?? Default(arguments)]
        : !Steering.HasStrength(Mode(arguments)) ? []
        : [.. Features(arguments).Select(one => one.Strength ?? sweep ?? Default(arguments))];

    /// <summary>The features with these strengths.</summary>
    public SteeredFeature[] Features(ParseResult arguments, SparseDictionary dictionary, double[] strengths) =>
        [.. Features(arguments).Select((one, i) => new SteeredFeature(dictionary, one.Feature, strengths.Length > 0 ? strengths[i] : 0))];

    /// <summary>The mode.</summary>
    public SteeringMode Mode(ParseResult arguments) =>
        Steering.Modes.TryGetValue(ModeName(arguments), out var mode)
            ? mode
            : throw new ArgumentProblemException($"'{ModeName(arguments)}' is none of {string.Join(", ", Steering.Modes.Keys)}", "--mode");

    /// <summary>Finds options that do not go together, before anything is loaded.</summary>
    public void Check(ParseResult arguments, bool namesDictionary)
    {
        var mode = Mode(arguments);
        Positions(arguments);
        var features = Features(arguments);
        if (Contrast(arguments) is not null)
        {
            if (features.Length > 0 || namesDictionary)
                throw new ArgumentProblemException("steers with a vector of its own; leave out --feature and --sae", "--contrast");
            if (mode != SteeringMode.Add)
                throw new ArgumentProblemException("a contrast vector is added; leave out --mode", "--contrast");
        }
        else if (features.Length == 0)
            throw new ArgumentProblemException(
                "name a feature to steer with, such as --feature 681, or pairs with --contrast",
                "--feature"
            );
        if (arguments.GetValue(_strength) is not null)
            RequireStrength(arguments, "--strength");
        if (!Steering.HasStrength(mode) && features.Any(one => one.Strength is not null))
            throw new ArgumentProblemException($"{ModeName(arguments)} has no strength; leave it out", "--feature");
        if (Sweep(arguments) is null)
            Strengths(arguments);
    }

    private void RequireStrength(ParseResult arguments, string option)
    {
        if (!Steering.HasStrength(Mode(arguments)))
            throw new ArgumentProblemException($"{ModeName(arguments)} has no strength; leave it out", option);
    }

    private double Default(ParseResult arguments) =>
        arguments.GetValue(_strength)
        ?? (
            Contrast(arguments) is not null ? VectorStrength
            : Mode(arguments) is SteeringMode.Orthogonal or SteeringMode.Cap
                ? throw new ArgumentProblemException(
                    $"is needed for {ModeName(arguments)}: a coefficient (0 removes, 1 leaves) or a ceiling",
                    "--strength"
                )
            : FeatureStrength
        );

    private (int Feature, double? Strength)[] Features(ParseResult arguments) =>
        [
            .. (arguments.GetValue(_features) ?? []).Select(text =>
            {
                var parts = text.Split(':', 2);
                return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var feature)
                    ? (feature, parts.Length == 1 ? (double?)null : Number(parts[1], "--feature"))
                    : throw new ArgumentProblemException(
                        $"'{text}' is no feature; write its number, and a strength behind a colon if it has its own: 681 or 681:30",
                        "--feature"
                    );
            }),
        ];

    private static double Number(string text, string option) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && float.IsFinite((float)number)
            ? number
            : throw new ArgumentProblemException($"'{text}' is no number", option);
}
