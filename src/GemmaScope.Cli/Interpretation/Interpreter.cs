using System.Diagnostics;
using GemmaScope.Cli.Output;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Interpretation;
using GemmaScope.Store;
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;

namespace GemmaScope.Cli.Interpretation;

/// <summary>What decides how a label comes out, beside text and models.</summary>
/// <param name="Window">Tokens of a passage.</param>
/// <param name="Examples">Passages of each class that score an explanation.</param>
/// <param name="Seed">Decides which are drawn.</param>
/// <param name="Chat">How language models are asked.</param>
internal sealed record InterpreterSettings(int Window, int Examples, int Seed, ChatInterpreterOptions Chat);

/// <summary>
/// Explains features one after another, and writes each label into the database as soon as it has its scores: what a killed run has written
/// is not done again.
/// </summary>
/// <param name="database">Where dashboards and labels are.</param>
/// <param name="stored">The dictionary there.</param>
/// <param name="microscope">The model and the dictionary.</param>
/// <param name="explainer">The language model that explains; null for rules about tokens.</param>
/// <param name="judge">The language model that judges; null where rules judge themselves.</param>
/// <param name="budget">Requests to both.</param>
/// <param name="settings">What decides how labels come out.</param>
/// <param name="session">Where progress is shown.</param>
internal sealed class Interpreter(
    IFeatureDatabase database,
    StoredDictionary stored,
    Microscope microscope,
    IChatClient? explainer,
    IChatClient? judge,
    RequestBudget budget,
    InterpreterSettings settings,
    Session session
)
{
    /// <summary>Rules are cheap to try, so more passages choose one than score it.</summary>
    private const int SelectionFactor = 4;

    private readonly ChatInterpreter _chat = new(new PassageWriter(microscope.Model.Tokenizer), settings.Chat);

    private bool _asked;

    private string Author => explainer is null ? RuleExplainer.Author : ChatClients.NameOf(explainer);

    private string Method
    {
        get
        {
            var made = explainer is null ? RuleExplainer.Method : ChatInterpreter.Method;
            return judge is null || judge == explainer
                ? made
                : $"{made}, judged by {ChatClients.NameOf(judge)}{(explainer is null ? $" ({ChatInterpreter.Method})" : "")}";
        }
    }

    /// <summary>Explains features.</summary>
    /// <param name="documents">The held-out text.</param>
    /// <param name="tokens">Tokens of it that are read.</param>
    /// <param name="wanted">Which features are asked for.</param>
    /// <param name="most">At most so many, those that fire most often; null for all.</param>
    /// <param name="unlabelled">Whether those with a label of someone else are passed over.</param>
    /// <param name="lines">Gets a line for each new label; null for none.</param>
    public InterpretationReport Run(
        IEnumerable<string> documents,
        long tokens,
        Func<FeatureRow, bool> wanted,
        int? most,
        bool unlabelled,
        TextWriter? lines
    )
    {
        var watch = Stopwatch.StartNew();
        var translation = new TokenTranslation(database.Source(stored), microscope.Model.Tokenizer);
        var explained = database.Passages(stored).Select(passage => passage.Select(translation.Id).ToArray());
        var text = HeldOutText.Cut(microscope.Model, documents, explained, tokens, settings.Window);
        var made = Made(text);

        var rows = database.Table(stored, new FeatureFilter()).Where(wanted).ToArray();
        var jobs = rows.Where(row => row.Count > 0)
            .OrderByDescending(row => most is null ? 0 : row.Count)
            .Select(row => new Job(row, database.Page(stored, row.Feature)!.Feature.Labels))
            .Where(job => !unlabelled || job.Labels.All(IsOurs))
            .Take(most ?? int.MaxValue)
            .ToArray();
        var report = new InterpretationReport(stored, Author, Method, text, rows.Count(row => row.Count == 0), explainer is null);
        List<Job> open = [];
        foreach (var job in jobs)
            if (job.Labels.FirstOrDefault(label => IsOurs(label) && label.Settings == made) is { } label)
                report.Add(new(job.Row, label, null, IsNew: false));
            else
                open.Add(job);
        if (open.Count > 0)
        {
            if (report.Features.Count > 0)
                session.Terminal.Error.WriteLine(
                    $"{report.Features.Count} of {jobs.Length} features have this label already; going on with the others"
                );
            try
            {
                Explain(open, text, translation, made, report, lines);
            }
            catch (BudgetUsedUpException)
            {
                report.Stopped = true;
            }
        }
        return report with { Seconds = watch.Elapsed.TotalSeconds, Requests = budget.Used, Endpoints = [.. Endpoints()] };
    }

    private sealed record Job(FeatureRow Row, IReadOnlyList<FeatureLabel> Labels);

    private bool IsOurs(FeatureLabel label) => label.Author == Author && label.Method == Method;

    /// <summary>What a label was made with. Who made it is its author and method.</summary>
    private string Made(HeldOutText text)
    {
        var made =
            $"text {text.Fingerprint}, {text.Count} passages of {settings.Window}; {settings.Examples} of each class; seed {settings.Seed}";
        if (explainer is not null)
            made += $"; {settings.Chat.Shown} shown";
        return judge is null ? made : $"{made}; {settings.Chat.PerQuestion} a question, {settings.Chat.MaxAnswerTokens} tokens an answer";
    }

    private void Explain(
        List<Job> jobs,
        HeldOutText text,
        TokenTranslation translation,
        string made,
        InterpretationReport report,
        TextWriter? lines
    )
    {
        // A server that is not there is better known before a long text is read.
        foreach (var endpoint in Endpoints())
            Wait(_chat.TryAsync(endpoint, session.Cancellation));
        var activations = Watching.Watch(
            session,
            "tokens",
            text.Tokens,
            progress =>
                text.Read(
                    microscope.Model,
                    microscope.Dictionary,
                    [.. jobs.Select(job => job.Row.Feature)],
                    progress: progress,
                    cancellationToken: session.Cancellation
                )
        );
        var display = new RateDisplay(session.Terminal, "features", 0, jobs.Count);
        var kept = 0;
        try
        {
            foreach (var (number, job) in jobs.Index())
            {
                session.Cancellation.ThrowIfCancellationRequested();
                var result = Explain(job.Row, activations, translation, made);
                if (result is null)
                {
                    report.Stopped = true;
                    break;
                }
                report.Add(result);
                if (result.Label is { } label)
                {
                    database.AddLabels(stored, [(job.Row.Feature, label)]);
                    kept++;
                    display.End();
                    if (lines is not null)
                        InterpretationOutput.WriteLine(lines, result);
                }
                display.Report(number + 1);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or GemmaScopeException)
        {
            display.End();
            session.Terminal.Error.WriteLine($"{kept} new labels are in the database; the same command goes on with the others");
            throw;
        }
        display.End();
    }

    /// <summary>Explains a feature; null where the budget does not suffice.</summary>
    private InterpretedFeature? Explain(FeatureRow row, HeldOutActivations activations, TokenTranslation translation, string made)
    {
        var scoring = QuestionSet.Draw(activations, row.Feature, selection: false, settings.Examples, settings.Seed);
        // Rules are chosen on the other half of the text.
        var selection = explainer is null
            ? QuestionSet.Draw(activations, row.Feature, selection: true, SelectionFactor * settings.Examples, settings.Seed)
            : scoring;
        if (scoring is null || selection is null)
            return new(row, null, InterpretationReport.Rare);
        var evidence = FeatureEvidence.Of(database.WholePage(stored, row.Feature)!.Feature.Dashboard, translation);
        if (judge is not null && _chat.RequestsFor(scoring, explain: explainer is not null) is var requests && !budget.Allows(requests))
            return _asked
                ? null
                : throw new ArgumentProblemException(
                    $"does not suffice for the {requests} requests that one feature takes; allow more, or ask less with --examples and --per-question",
                    "--budget"
                );
        _asked = true;
        try
        {
            var (text, score) = explainer is null ? ByRule(evidence, selection, scoring) : ByModel(evidence, scoring);
            if (text is null || score is null)
                return new(row, null, InterpretationReport.Unexplained);
            var unread = score.Detection.Unparsed + score.Fuzzing.Unparsed;
            // What a model said that cannot judge is no label: often it has not understood either.
            if (score.Mean is null)
                return new(row, null, InterpretationReport.Unjudged, unread);
            var label = new FeatureLabel(
                text,
                Author,
                Method,
                score.DetectionAccuracy,
                FeatureLabel.DetectionScore,
                score.FuzzingAccuracy,
                made
            );
            return new(row, label, null, unread);
        }
        catch (BudgetUsedUpException)
        {
            return null;
        }
    }

    private (string? Text, InterpretationScore? Score) ByRule(FeatureEvidence evidence, QuestionSet selection, QuestionSet scoring)
    {
        if (RuleExplainer.Explain(evidence, selection, scoring) is not { } found)
            return default;
        var text = found.Rule.Describe(microscope.Model.Tokenizer);
        return (text, judge is null ? found.Score : Wait(_chat.JudgeAsync(judge, text, scoring, session.Cancellation)));
    }

    private (string? Text, InterpretationScore? Score) ByModel(FeatureEvidence evidence, QuestionSet scoring) =>
        Wait(_chat.ExplainAsync(explainer!, evidence, session.Cancellation)) is { } text
            ? (text, Wait(_chat.JudgeAsync(judge!, text, scoring, session.Cancellation)))
            : default;

    private IEnumerable<ChatEndpoint> Endpoints() =>
        new[] { explainer, judge }.Select(client => client?.GetService<ChatEndpoint>()).OfType<ChatEndpoint>().Distinct();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
