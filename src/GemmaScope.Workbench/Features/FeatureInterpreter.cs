using System.Diagnostics;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Interpretation;
using GemmaScope.Store;
using GemmaScope.Text;
using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>One run of <see cref="InterpretJob"/>: explains features one after another, and writes each label into the database as soon as
/// it has its scores.</summary>
internal sealed class FeatureInterpreter(
    Microscope microscope,
    IFeatureDatabase database,
    StoredDictionary stored,
    InterpretJobOptions options,
    IProgress<JobReport>? progress
)
{
    /// <summary>Rules are cheap to try, so more passages choose one than score it.</summary>
    private const int SelectionFactor = 4;

    private readonly ChatInterpreter _chat = new(
        new PassageWriter(microscope.Model.Tokenizer),
        new()
        {
            Shown = options.Shown,
            PerQuestion = options.PerQuestion,
            Parallel = options.Parallel,
            Window = options.Window,
            MaxAnswerTokens = options.MaxTokens,
        }
    );

    private readonly List<InterpretedFeature> _features = [];
    private bool _asked,
        _stopped;

    private string Author => options.Explainer is { } explainer ? ChatClients.NameOf(explainer) : RuleExplainer.Author;

    private string Method
    {
        get
        {
            var byRules = options.Explainer is null;
            var made = byRules ? RuleExplainer.Method : ChatInterpreter.Method;
            return options.Judging is not { } judge || judge == options.Explainer
                ? made
                : $"{made}, judged by {ChatClients.NameOf(judge)}{(byRules ? $" ({ChatInterpreter.Method})" : "")}";
        }
    }

    /// <summary>Explains the features that are asked for.</summary>
    public async Task<InterpretResult> RunAsync(CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        if (FeatureLinks.ModelName(microscope.ModelName) is var model && model != stored.Model)
            progress.Note($"{stored.Name} was built with {stored.Model}, and {model} reads the held-out text");
        var translation = new TokenTranslation(database.Source(stored), microscope.Model.Tokenizer);
        var corpus = new TextCorpus(options.Text, options.Reading);
        var text = HeldOutText.Cut(
            microscope.Model,
            corpus,
            database.Passages(stored).Select(passage => passage.Select(translation.Id).ToArray()),
            options.Tokens,
            options.Window
        );
        progress.NoteOn(corpus.Skipped);
        var rows = database.Table(stored, new FeatureFilter()).Where(row => options.Features?.Contains(row.Feature) ?? true).ToArray();
        var open = Open(rows, Made(text));
        if (open.Count > 0)
            try
            {
                await ExplainAsync(open, text, translation, Made(text), cancellationToken).ConfigureAwait(false);
            }
            catch (BudgetUsedUpException)
            {
                _stopped = true;
            }
        var endpoints = Endpoints().ToArray();
        return new()
        {
            Model = stored.Model,
            SkippedRows = corpus.Skipped.Count,
            Dictionary = stored.Name,
            Author = Author,
            Method = Method,
            Window = text.Window,
            Passages = text.Count,
            PassagesLeftOut = text.LeftOut,
            Dead = rows.Count(row => row.Count == 0),
            BudgetUsedUp = _stopped,
            Features = _features,
            Requests = options.Budget?.Used ?? 0,
            Retries = endpoints.Sum(endpoint => endpoint.Retries),
            Tokens = endpoints.Sum(endpoint => endpoint.Tokens),
            UnreadableAnswers = endpoints.Sum(endpoint => endpoint.Unusable),
            Seconds = watch.Elapsed.TotalSeconds,
            ByRules = options.Explainer is null,
            Asked = options.Judging is not null,
        };
    }

    private sealed record Candidate(FeatureRow Row, IReadOnlyList<FeatureLabel> Labels);

    private bool IsOurs(FeatureLabel label) => label.Author == Author && label.Method == Method;

    /// <summary>What a label was made with. Who made it is its author and method.</summary>
    private string Made(HeldOutText text)
    {
        var made =
            $"text {text.Fingerprint}, {text.Count} passages of {options.Window}; {options.Examples} of each class; seed {options.Seed}";
        // The same words of another model's features would be other labels.
        if (FeatureLinks.ModelName(microscope.ModelName) is var model && model != stored.Model)
            made += $"; features of {model}";
        if (options.Explainer is not null)
            made += $"; {options.Shown} shown";
        return options.Judging is null ? made : $"{made}; {options.PerQuestion} a question, {options.MaxTokens} tokens an answer";
    }

    /// <summary>The features that have no label yet; those that have it are added to what is done.</summary>
    private List<Candidate> Open(FeatureRow[] rows, string made)
    {
        var wanted = rows.Where(row => row.Count > 0)
            .OrderByDescending(row => options.Most is null ? 0 : row.Count)
            .Select(row => new Candidate(row, database.RequirePage(stored, row.Feature).Feature.Labels))
            .Where(one => !options.Unlabelled || one.Labels.All(IsOurs))
            .Take(options.Most ?? int.MaxValue)
            .ToArray();
        List<Candidate> open = [];
        foreach (var one in wanted)
            if (one.Labels.FirstOrDefault(label => IsOurs(label) && label.Settings == made) is { } label)
                _features.Add(new(one.Row, label, isNew: false));
            else
                open.Add(one);
        if (open.Count > 0 && _features.Count > 0)
            progress.Note($"{_features.Count} of {wanted.Length} features have this label already; going on with the others");
        return open;
    }

    private async Task ExplainAsync(
        List<Candidate> candidates,
        HeldOutText text,
        TokenTranslation translation,
        string made,
        CancellationToken cancellationToken
    )
    {
        // A server that is not there is better known before a long text is read.
        foreach (var endpoint in Endpoints())
            await _chat.TryAsync(endpoint, cancellationToken).ConfigureAwait(false);
        var activations = text.Read(
            microscope.Model,
            microscope.Dictionary,
            [.. candidates.Select(one => one.Row.Feature)],
            progress: progress.Counting("", "tokens", text.Tokens),
            cancellationToken: cancellationToken
        );
        var counting = progress.Counting("", "features", candidates.Count);
        var kept = 0;
        try
        {
            foreach (var (number, one) in candidates.Index())
            {
                cancellationToken.ThrowIfCancellationRequested();
                var result = await ExplainAsync(one.Row, activations, translation, made, cancellationToken).ConfigureAwait(false);
                if (result is null)
                {
                    _stopped = true;
                    break;
                }
                _features.Add(result);
                if (result.Label is { } label)
                {
                    database.AddLabels(stored, [(result.Feature, label)]);
                    kept++;
                    progress?.Report(new FeatureInterpreted(result));
                }
                counting?.Report(number + 1);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or GemmaScopeException)
        {
            progress.Note($"{kept} new labels are in the database; a run with the same options goes on");
            throw;
        }
    }

    /// <summary>Explains a feature; null where the budget does not suffice.</summary>
    private async Task<InterpretedFeature?> ExplainAsync(
        FeatureRow row,
        HeldOutActivations activations,
        TokenTranslation translation,
        string made,
        CancellationToken cancellationToken
    )
    {
        var byRules = options.Explainer is null;
        var scoring = QuestionSet.Draw(activations, row.Feature, selection: false, options.Examples, options.Seed);
        // Rules are chosen on the other half of the text.
        var selection = byRules
            ? QuestionSet.Draw(activations, row.Feature, selection: true, SelectionFactor * options.Examples, options.Seed)
            : scoring;
        if (scoring is null || selection is null)
            return new(row, null, MissingLabel.Rare);
        if (options.Judging is not null && !Affords(_chat.RequestsFor(scoring, explain: !byRules)))
            return null;
        _asked = true;
        try
        {
            var evidence = FeatureEvidence.Of(database.RequirePage(stored, row.Feature, whole: true).Feature.Dashboard, translation);
            var (text, score) = options.Explainer is { } explainer
                ? await ByModelAsync(explainer, evidence, scoring, cancellationToken).ConfigureAwait(false)
                : await ByRuleAsync(evidence, selection, scoring, cancellationToken).ConfigureAwait(false);
            if (text is null || score is null)
                return new(row, null, MissingLabel.Unexplained);
            var unread = score.Detection.Unparsed + score.Fuzzing.Unparsed;
            // What a model said that cannot judge is no label: often it has not understood either.
            if (score.Mean is null)
                return new(row, null, MissingLabel.Unjudged, unread);
            return new(row, Label(text, score, made), null, unread);
        }
        catch (BudgetUsedUpException)
        {
            return null;
        }
    }

    private FeatureLabel Label(string text, InterpretationScore score, string made) =>
        new(text, Author, Method, score.DetectionAccuracy, FeatureLabel.DetectionScore, score.FuzzingAccuracy, made);

    /// <summary>Whether the budget has these requests left.</summary>
    /// <exception cref="ArgumentProblemException">It never had as many.</exception>
    private bool Affords(int requests)
    {
        if (options.Budget is not { } budget || budget.Allows(requests))
            return true;
        if (_asked)
            return false;
        var (examples, perQuestion) = (new Setting(nameof(options.Examples)), new Setting(nameof(options.PerQuestion)));
        throw new ArgumentProblemException(
            $"does not suffice for the {requests} requests that one feature takes",
            new Setting(nameof(options.Budget)),
            new Remedy($"allow more, or ask less with {examples} and {perQuestion}")
        );
    }

    private async Task<(string? Text, InterpretationScore? Score)> ByRuleAsync(
        FeatureEvidence evidence,
        QuestionSet selection,
        QuestionSet scoring,
        CancellationToken cancellationToken
    )
    {
        if (RuleExplainer.Explain(evidence, selection, scoring) is not { } found)
            return default;
        var text = found.Rule.Describe(microscope.Model.Tokenizer);
        return options.Judging is { } judge
            ? (text, await _chat.JudgeAsync(judge, text, scoring, cancellationToken).ConfigureAwait(false))
            : (text, found.Score);
    }

    private async Task<(string? Text, InterpretationScore? Score)> ByModelAsync(
        IChatClient explainer,
        FeatureEvidence evidence,
        QuestionSet scoring,
        CancellationToken cancellationToken
    ) =>
        await _chat.ExplainAsync(explainer, evidence, cancellationToken).ConfigureAwait(false) is { } text
            ? (text, await _chat.JudgeAsync(options.Judging!, text, scoring, cancellationToken).ConfigureAwait(false))
            : default;

    private IEnumerable<ChatEndpoint> Endpoints() =>
        new[] { options.Explainer, options.Judging }
            .Select(client => client?.GetService(typeof(ChatEndpoint)))
            .OfType<ChatEndpoint>()
            .Distinct();
}
