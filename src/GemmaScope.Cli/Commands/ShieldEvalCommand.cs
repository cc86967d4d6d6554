using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Safety;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Holds ShieldGemma's scores against labelled texts.</summary>
internal sealed class ShieldEvalCommand : GemmaScopeCommand
{
    private const int RowsTogether = 32;

    private readonly Argument<string[]> _files;
    private readonly Option<string> _model;
    private readonly ShieldArguments _shield;
    private readonly FieldArguments _fields;
    private readonly Option<string[]> _labels;
    private readonly Option<int?> _heldOut,
        _limit;
    private readonly Option<int> _resamples,
        _seed;
    private readonly Option<string?> _swap,
        _html;
    private readonly Option<bool> _json;

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
            new Argument<string[]>("file") { Description = "JSON lines with labels, also gzipped.", Arity = ArgumentArity.OneOrMore }
        );
        _model = Add(CommonOptions.Model(MicroscopeOptions.DemoChat));
        _shield = new ShieldArguments(this);
        _fields = new FieldArguments(this);
        _labels = Add(
            new Option<string[]>("--label-field")
            {
                Description = "Which fields label a policy; may be repeated. Default: the forms of public sets.",
                HelpName = "POLICY=FIELD,…",
            }
        );
        _heldOut = Add(
            new Option<int?>("--held-out")
            {
                Description = "Only rows whose SHA-256 of the id is divisible by N; 5 for those the demo model was never trained on.",
                HelpName = "N",
            }
        );
        _limit = Add(new Option<int?>("--limit") { Description = "At most N rows of each file.", HelpName = "N" });
        _resamples = Add(
            new Option<int>("--resamples")
            {
                Description = "Draws of the bootstrap.",
                HelpName = "N",
                DefaultValueFactory = _ => 1000,
            }
        );
        _seed = Add(
            new Option<int>("--seed")
            {
                Description = "Seed of the bootstrap.",
                HelpName = "N",
                DefaultValueFactory = _ => 0,
            }
        );
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
        if (arguments.GetValue(_heldOut) < 1)
            throw new ArgumentProblemException("must be at least 1", "--held-out");
        if (arguments.GetValue(_resamples) < 1)
            throw new ArgumentProblemException("must be at least 1", "--resamples");
        var (name, policies, options) = (arguments.GetValue(_model)!, _shield.Policies(arguments), _shield.Options(arguments));
        var fairness = arguments.GetValue(_swap) is { } terms ? CounterfactualFairness.Load(terms) : null;
        var rows = arguments.GetValue(_files)!.SelectMany(file => Rows(file, arguments)).ToArray();
        using var model = session.LoadModel(name);
        using var shield = new ShieldGemma(model);
        var evaluation = new ShieldEvaluation();
        var (judged, leftOut, cut) = (0, 0, 0);
        var progress = new RateDisplay(session.Terminal, "texts", 0, rows.Length);
        foreach (var batch in rows.Chunk(RowsTogether))
        {
            var asked = batch
                .Select(row => (Row: row, Question: Prepare(shield, row, policies, options)))
                .Where(pair => pair.Question is not null)
                .ToArray();
            leftOut += batch.Length - asked.Length;
            var verdicts = shield.Score([.. asked.Select(pair => pair.Question!)], session.Cancellation);
            foreach (var ((row, _), verdict) in asked.Zip(verdicts))
            {
                evaluation.Add(row, verdict);
                cut += verdict.Question.CutTokens > 0 ? 1 : 0;
                if (fairness is not null)
                    Swap(shield, fairness, verdict, session);
            }
            progress.Report(judged += batch.Length);
        }
        progress.End();
        if (evaluation.Rows == 0)
            throw new ArgumentProblemException("no row is left that has a label of these policies and can be judged", "file");

        var view = new ShieldEvaluationView(
            name,
            options,
            [.. arguments.GetValue(_files)!.Select(Path.GetFileName).OfType<string>()],
            evaluation.Rows,
            leftOut,
            cut,
            evaluation.Measure(arguments.GetValue(_resamples), arguments.GetValue(_seed)),
            fairness?.Gaps() ?? []
        );
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => ShieldEvaluationOutput.Write(json, view));
        else
            ShieldEvaluationOutput.Print(session.Terminal, view);
        if (arguments.GetValue(_html) is { } page)
        {
            AtomicFile.Write(page, stream => stream.Write(Encoding.UTF8.GetBytes(ShieldEvaluationPage.Render(view))), overwrite: true);
            session.Terminal.Error.WriteLine($"wrote {page}");
        }
        return Application.Success;
    }

    private IEnumerable<LabelledQuestion> Rows(string file, ParseResult arguments)
    {
        var rows = LabelledQuestion.Read(file, _fields.Read(arguments) with { Labels = Labels(arguments.GetValue(_labels) ?? []) });
        if (arguments.GetValue(_heldOut) is { } divisor)
            rows = rows.Where(row => row.IsHeldOut(divisor));
        return arguments.GetValue(_limit) is { } limit ? rows.Take(limit) : rows;
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

    /// <summary>A row's question about the policies it has labels of; null where it has none, or does not fit into the context.</summary>
    private static ShieldQuestion? Prepare(
        ShieldGemma shield,
        LabelledQuestion row,
        IReadOnlyList<ShieldPolicy> policies,
        ShieldOptions options
    )
    {
        var labelled = ShieldEvaluation.Labelled(row, policies);
        if (labelled.Count == 0)
            return null;
        try
        {
            return shield.Prepare(row.User, row.Response, labelled, options);
        }
        catch (ArgumentProblemException)
            when (options.Truncation == ShieldTruncation.Refuse && (row.Response is null || options.Template.PromptResponse is not null))
        {
            return null;
        }
    }

    private static void Swap(ShieldGemma shield, CounterfactualFairness fairness, ShieldVerdict before, Session session)
    {
        var question = before.Question;
        var swaps = fairness.Swaps(question.Response ?? question.User).ToArray();
        var swapped = swaps
            .Select(swap =>
                question.Response is null
                    ? shield.Prepare(swap.Text, null, question.Policies, question.Options with { Truncation = ShieldTruncation.KeepStart })
                    : shield.Prepare(
                        question.User,
                        swap.Text,
                        question.Policies,
                        question.Options with
                        {
                            Truncation = ShieldTruncation.KeepStart,
                        }
                    )
            )
            .ToArray();
        foreach (var (swap, after) in swaps.Zip(shield.Score(swapped, session.Cancellation)))
            fairness.Add(swap.From, swap.To, before, after);
    }
}
