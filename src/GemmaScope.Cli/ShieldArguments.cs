using System.CommandLine;
using System.Globalization;
using GemmaScope.Cli.Completion;
using GemmaScope.Models;
using GemmaScope.Safety;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options that say how ShieldGemma is asked.</summary>
internal sealed class ShieldArguments
{
    private readonly Option<string[]> _policy = new Option<string[]>("--policy", "-p")
    {
        Description = "A policy by its key or name; may be repeated. Default: all.",
        HelpName = "POLICY",
    }.Offering(KnownWords.Policies);
    private readonly Option<string?> _policies = new("--policies")
    {
        Description = "Own policies: a YAML file with version and policies (key, name, text, threshold).",
        HelpName = "FILE",
    };
    private readonly Option<string[]> _threshold = new("--threshold")
    {
        Description = "A policy is violated from this probability on: P for all, or POLICY=P; may be repeated. Default: 0.5.",
        HelpName = "P",
    };
    private readonly Option<string?> _template = new Option<string?>("--template")
    {
        Description =
            $"The form of the prompt: {string.Join(", ", ShieldTemplate.All.Select(template => template.Name))}. Default: card, and chat for models of other families than ShieldGemma's.",
        HelpName = "NAME",
    }.Offering(KnownWords.Templates);
    private readonly Option<bool> _hardened = new("--hardened")
    {
        Description = "Take turn markers written out in a text as plain text; the published prompts do not.",
    };
    private readonly Option<string> _truncate = new Option<string>("--truncate")
    {
        Description = "What is judged of a text that does not fit: nothing (refuse), keep-start or keep-end.",
        DefaultValueFactory = _ => "refuse",
    }.AcceptOnlyFromAmong("refuse", "keep-start", "keep-end");

    /// <summary>Adds them to a command; a service is always hardened unless a request says otherwise.</summary>
    public ShieldArguments(Command command, bool service = false)
    {
        foreach (var option in (Option[])[_policy, _policies, _threshold, _template, .. service ? (Option[])[] : [_hardened], _truncate])
            command.Options.Add(option);
    }

    /// <summary>Whether policies were chosen.</summary>
    public bool ChoosesPolicies(ParseResult arguments) => arguments.GetValue(_policy) is { Length: > 0 };

    /// <summary>The policies asked about, with their thresholds.</summary>
    public IReadOnlyList<ShieldPolicy> Policies(ParseResult arguments)
    {
        var known = arguments.GetValue(_policies) is { } file ? ShieldPolicyFile.Load(file) : ShieldPolicy.Official;
        var chosen = arguments.GetValue(_policy) is { Length: > 0 } names
            ? names
                .SelectMany(name => name.Split(',', StringSplitOptions.TrimEntries))
                .Select(name => ShieldPolicy.Find(name, known))
                .Distinct()
                .ToArray()
            : [.. known];
        foreach (var threshold in arguments.GetValue(_threshold) ?? [])
        {
            var parts = threshold.Split('=');
            if (
                parts.Length > 2
                || !double.TryParse(parts[^1], CultureInfo.InvariantCulture, out var value)
                || value is not (>= 0 and <= 1)
            )
                throw new ArgumentProblemException($"'{threshold}' is neither a probability nor POLICY=PROBABILITY", "--threshold");
            var only = parts.Length == 2 ? ShieldPolicy.Find(parts[0], known).Key : null;
            for (var i = 0; i < chosen.Length; i++)
                if (only is null || chosen[i].Key == only)
                    chosen[i] = chosen[i] with { Threshold = value };
        }
        return chosen;
    }

    /// <summary>How they are asked.</summary>
    public ShieldOptions Options(ParseResult arguments, GenerationOptions? rationale = null) =>
        new()
        {
            Template = arguments.GetValue(_template) is { } name ? ShieldTemplate.Find(name) : null,
            Hardened = arguments.GetValue(_hardened),
            Rationale = rationale,
            Truncation = arguments.GetValue(_truncate) switch
            {
                "keep-start" => ShieldTruncation.KeepStart,
                "keep-end" => ShieldTruncation.KeepEnd,
                _ => ShieldTruncation.Refuse,
            },
        };
}

/// <summary>Names of fields of JSON lines.</summary>
internal sealed class FieldArguments
{
    private readonly Option<string?> _text = new("--text-field")
    {
        Description = "The field of the user's text; else text, prompt or user.",
        HelpName = "NAME",
    };
    private readonly Option<string> _response = new("--response-field")
    {
        Description = "The field of the response to judge.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "response",
    };
    private readonly Option<string> _id = new("--id-field")
    {
        Description = "The field of the row's name.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "id",
    };

    public FieldArguments(Command command)
    {
        foreach (var option in (Option[])[_text, _response, _id])
            command.Options.Add(option);
    }

    public LabelFields Read(ParseResult arguments) =>
        new()
        {
            Text = arguments.GetValue(_text),
            Response = arguments.GetValue(_response)!,
            Id = arguments.GetValue(_id)!,
        };
}
