using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Holds ShieldGemma's scores against labelled texts.</summary>
internal sealed class ShieldEvalCommand : GemmaScopeCommand
{
    private static readonly ShieldEvaluateJobOptions Defaults = new() { Files = [] };

    private readonly Argument<string[]> _files;
    private readonly MicroscopeArguments _model;
    private readonly ShieldArguments _shield;
    private readonly FieldArguments _fields;
    private readonly Option<string[]> _labels;
    private readonly Option<int?> _heldOut,
        _limit;
    private readonly Option<int> _resamples,
        _seed;
    private readonly Option<string?> _swap,
        _html;
    private readonly Option<bool> _skip,
        _json;

    public ShieldEvalCommand()
        : base(
            "eval",
            "Measure ShieldGemma on labelled texts: AU-PRC, AU-ROC, F1, calibration, each policy and all combined, and counterfactual fairness.",
            "gemmascope shield eval labelled.jsonl --html report.html",
            "gemmascope shield eval openai-moderation.jsonl.gz hatecheck.jsonl.gz --held-out 5 --truncate keep-start",
            "gemmascope shield eval own.jsonl --policies medical.yaml --label-field MEDICAL=doses,drugs --text-field question",
            "gemmascope shield eval hatecheck.jsonl.gz --policy HATE --swap identities.txt --json"
        )
    {
        _files = Add(
            new Argument<string[]>("file") { Description = "JSON lines with labels, also .gz or .zst.", Arity = ArgumentArity.OneOrMore }
        );
        _model = new MicroscopeArguments(this, DictionaryUse.None, MicroscopeOptions.DemoChat);
        _shield = new ShieldArguments(this);
        _fields = new FieldArguments(this);
        _labels = Add(
            new Option<string[]>("--label-field")
            {
                Description =
                    "Which fields label a policy; may be repeated. Default: the policies' own keys, and the forms of public sets.",
                HelpName = "POLICY=FIELD,…",
            }
        );
        _skip = Add(new Option<bool>(ReadingArguments.SkipName) { Description = ReadingArguments.SkipHelp });
        _heldOut = Add(
            new Option<int?>("--held-out")
            {
                Description = "Only rows whose SHA-256 of the id is divisible by N; 5 for those the demo model was never trained on.",
                HelpName = "N",
            }
        );
        _limit = Add(new Option<int?>("--limit") { Description = "At most N rows of each file.", HelpName = "N" });
        _resamples = Add(CommonOptions.Number("--resamples", "N", "Draws of the bootstrap.", Defaults.Resamples));
        _seed = Add(CommonOptions.Number("--seed", "N", "Seed of the bootstrap.", Defaults.Seed));
        _swap = Add(
            new Option<string?>("--swap")
            {
                Description = "Score texts again with identity terms swapped: a file with a list a line, separated by commas.",
                HelpName = "FILE",
            }
        );
        _html = Add(
            new Option<string?>("--html")
            {
                Description = "Write the results as one self-contained page with curves; no text of the sets is on it.",
                HelpName = "FILE",
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = Defaults with
        {
            Files = arguments.GetValue(_files)!,
            SkipBadRows = arguments.GetValue(_skip),
            Fields = _fields.Read(arguments) with { Labels = Labels(arguments.GetValue(_labels) ?? []) },
            Policies = _shield.Policies(arguments),
            Asked = _shield.Options(arguments),
            HeldOut = arguments.GetValue(_heldOut),
            Limit = arguments.GetValue(_limit),
            Resamples = arguments.GetValue(_resamples),
            Seed = arguments.GetValue(_seed),
            Swap = arguments.GetValue(_swap),
        };
        ShieldEvaluateJob.Check(options);
        using var microscope = _model.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => ShieldEvaluateJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            ShieldEvaluationText.Print(session.Terminal, result);
        if (arguments.GetValue(_html) is { } page)
            session.Terminal.WritePage(page, ShieldEvaluatePage.Render(result));
        return Application.Success;
    }

    private static Dictionary<string, IReadOnlyList<string>> Labels(string[] given)
    {
        var labels = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var one in given)
        {
            if (one.Split('=') is not [{ Length: > 0 } policy, { Length: > 0 } fields])
                throw new ArgumentProblemException($"'{one}' is not POLICY=FIELD", "--label-field");
            labels[policy] = fields.Split(',', StringSplitOptions.TrimEntries);
        }
        return labels;
    }
}
