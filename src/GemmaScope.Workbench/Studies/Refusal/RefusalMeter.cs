using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>
/// Measures what edits do to the test prompts: scores, KL from the unedited model, replies as two judges see them, and cross-entropy of
/// plain text. What an edited model replies is judged and forgotten: no file holds it.
/// </summary>
internal sealed class RefusalMeter
{
    private const int RepliesTogether = 32;

    private readonly GemmaModel _model;
    private readonly RefusalSets _sets;
    private readonly RefusalStudyJobOptions _options;
    private readonly int[] _refusalTokens;
    private readonly ShieldGemma? _shield;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<string, NextTokens> _clean = [];
    private readonly StudyText _text;
    private readonly StudyTasks? _tasks;

    public RefusalMeter(
        GemmaModel model,
        RefusalSets sets,
        RefusalStudyJobOptions options,
        int[] refusalTokens,
        ShieldGemma? shield,
        StudyTasks? tasks,
        CancellationToken cancellationToken
    )
    {
        (_model, _sets, _options, _refusalTokens, _shield) = (model, sets, options, refusalTokens, shield);
        _cancellationToken = cancellationToken;
        _tasks = tasks;
        _text = new(model, options.Text);
    }

    /// <summary>How many tokens of plain text are read.</summary>
    public int TextTokens => _text.Tokens;

    /// <summary>What one edit does.</summary>
    /// <param name="edit">The edit.</param>
    /// <param name="layer">The layer of the direction.</param>
    /// <param name="withReplies">Whether replies are written.</param>
    public RefusalRun Measure(RefusalEdit edit, int layer, bool withReplies)
    {
        var edits = edit.Of(_model.Config, layer);
        return new(
            edit.Edit,
            edit.Strength,
            edit.Direction,
            [.. _sets.Tests.Select(test => Measure(test.Set, test.Prompts, edits, withReplies))],
            _text.CrossEntropy(edits, _cancellationToken),
            _tasks?.Solve(edits, _cancellationToken)
        );
    }

    /// <summary>Refusal scores of a set under some edits, and KL from the unedited model.</summary>
    public (double[] Scores, double[] Divergences) FirstTokens(string set, IReadOnlyList<AskedPrompt> prompts, IReadOnlyList<Edit> edits)
    {
        var clean = Clean(set, prompts);
        var next = edits.Count == 0 ? clean : NextTokens.Of(_model, prompts.Ids(), edits, cancellationToken: _cancellationToken);
        return (next.RefusalScores(_refusalTokens), clean.Divergences(next));
    }

    /// <summary>What the model replies to prompts.</summary>
    public string[] Replies(IReadOnlyList<AskedPrompt> prompts, IReadOnlyList<Edit> edits) =>
        [
            .. StudyReplies
                .Of(_model, prompts, edits, _options.MaxTokens, _cancellationToken)
                .Select(reply => StudyReplies.Text(_model, reply)),
        ];

    private RefusalSetRun Measure(string set, IReadOnlyList<AskedPrompt> prompts, IReadOnlyList<Edit> edits, bool withReplies)
    {
        var (scores, divergences) = FirstTokens(set, prompts, edits);
        if (!withReplies)
            return new(set, scores, divergences, null, 0, null);
        var replies = Replies(prompts, edits);
        return new(
            set,
            scores,
            divergences,
            [.. replies.Select(RefusalWords.IsRefusal)],
            replies.Count(string.IsNullOrWhiteSpace),
            set == RefusalSets.Harmful && _shield is not null ? Violations(_shield, prompts, replies) : null
        );
    }

    private double[] Violations(ShieldGemma shield, IReadOnlyList<AskedPrompt> prompts, string[] replies)
    {
        var asked = new ShieldOptions { Truncation = ShieldTruncation.KeepStart, Hardened = true };
        List<double> found = [];
        foreach (var batch in prompts.Zip(replies).Chunk(RepliesTogether))
        {
            ShieldQuestion[] questions =
            [
                .. batch.Select(one => shield.Prepare(one.First.Prompt.Text, one.Second, ShieldPolicy.Official, asked)),
            ];
            found.AddRange(shield.Score(questions, _cancellationToken).Select(verdict => (double)verdict.Probability));
        }
        return [.. found];
    }

    private NextTokens Clean(string set, IReadOnlyList<AskedPrompt> prompts) =>
        _clean.TryGetValue(set, out var clean)
            ? clean
            : _clean[set] = NextTokens.Of(_model, prompts.Ids(), cancellationToken: _cancellationToken);
}
