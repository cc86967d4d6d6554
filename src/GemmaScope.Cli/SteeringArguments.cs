using System.CommandLine;
using System.Globalization;
using GemmaScope.Behaviour;
using GemmaScope.Cli.Completion;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>What to steer with and how: the options of the command that steers.</summary>
internal sealed class SteeringArguments
{
    private readonly Option<string[]> _features = new("--feature")
    {
        Description = "A feature to steer with, and its own strength if it has one; may be repeated.",
        HelpName = "N[:STRENGTH]",
    };
    private readonly Option<string> _mode = new Option<string>("--mode")
    {
        Description = $"How: {string.Join(", ", Steering.Modes.Keys)}.",
        HelpName = "MODE",
        DefaultValueFactory = _ => "add",
    }.Offering(KnownWords.SteeringModes);
    private readonly Option<double?> _strength = new("--strength")
    {
        Description =
            $"The strength of all features that have none of their own; {SteerJobOptions.DefaultFeatureStrength} where none is given, "
            + $"for a contrast vector {SteerJobOptions.DefaultVectorStrength}.",
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
    private readonly Option<string?> _positions = new Option<string?>("--positions")
    {
        Description =
            "Steer at all positions, from the prompt's last on, or at new ones only; never at BOS. Default: all, for a contrast vector new.",
        HelpName = "all|last|new",
    }.Offering(KnownWords.SteeredPositions);
    private readonly Option<bool> _bos = new("--bos") { Description = "Steer at BOS too." };

    public SteeringArguments(Command command)
    {
        foreach (var option in (Option[])[_features, _mode, _strength, _sweep, _contrast, _positions, _bos])
            command.Options.Add(option);
    }

    /// <summary>What they ask for; the text and the rest are the command's.</summary>
    /// <exception cref="ArgumentProblemException">One of them cannot be read.</exception>
    public SteerJobOptions Read(ParseResult arguments, string text) =>
        new()
        {
            Text = text,
            SteeredFeatures = Features(arguments),
            Mode = Named(Steering.Modes, arguments.GetValue(_mode)!, _mode.Name),
            Strength = arguments.GetValue(_strength),
            Sweep = arguments.GetValue(_sweep) is { } sweep ? Quantity.Numbers(sweep, _sweep.Name) : null,
            Contrast = arguments.GetValue(_contrast) is { } file ? ContrastSet.Load(file) : null,
            Positions = arguments.GetValue(_positions) is { } name ? Named(Steering.PositionNames, name, _positions.Name) : null,
            Bos = arguments.GetValue(_bos),
        };

    private static T Named<T>(IReadOnlyDictionary<string, T> names, string name, string option) =>
        names.TryGetValue(name, out var found)
            ? found
            : throw new ArgumentProblemException($"'{name}' is none of {string.Join(", ", names.Keys)}", option);

    private FeatureStrength[] Features(ParseResult arguments) =>
        [
            .. (arguments.GetValue(_features) ?? []).Select(text =>
            {
                var parts = text.Split(':', 2);
                return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var feature)
                    ? new FeatureStrength(feature, parts.Length == 1 ? null : Quantity.Finite(parts[1], _features.Name))
                    : throw new ArgumentProblemException(
                        $"'{text}' is no feature; write its number, and a strength behind a colon if it has its own: 681 or 681:30",
                        _features.Name
                    );
            }),
        ];
}
