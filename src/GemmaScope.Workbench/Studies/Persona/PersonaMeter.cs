using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What is measured of an edit: which prompts are answered under it, along what their replies are read, and between which replies it
/// chooses.</summary>
internal sealed record PersonaTask(
    IReadOnlyList<AskedPrompt> Prompts,
    int Layer,
    float[] Direction,
    IReadOnlyList<(int[] Prompt, int[] Favoured, int[] Other)> Choices,
    IReadOnlyList<(int[] Prompt, int[] Reply)> Undisturbed
);

/// <summary>Measures what an edit does and what it damages. Replies under edits are read by the unedited model: only what stands in their
/// text counts. They are forgotten then.</summary>
internal sealed class PersonaMeter(GemmaModel model, PersonaReplies replies, StudyText text, CancellationToken cancellationToken)
{
    /// <summary>Measures one edit.</summary>
    public PersonaRun Measure(string edit, double strength, string direction, IReadOnlyList<Edit> edits, PersonaTask task)
    {
        var written = replies.Write(task.Prompts, edits);
        (int[] Prompt, int[] Reply)[] pairs = [.. task.Prompts.Zip(written, (prompt, reply) => (prompt.Tokens.Ids, reply))];
        var effects = pairs.Select(pair => SteeringEffect.Measure(model, pair.Prompt, pair.Reply, edits, cancellationToken)).ToArray();
        // Whether a reply is to its own question: likelier there than behind the next prompt.
        var elsewhere = ReplyLikelihood.Of(
            model,
            [.. pairs.Select((pair, i) => (pairs[(i + 1) % pairs.Length].Prompt, pair.Reply))],
            cancellationToken: cancellationToken
        );
        return new(
            edit,
            strength,
            direction,
            Read(pairs, task),
            Preference(task.Choices, edits),
            [.. effects.Select(effect => effect.Kl)],
            [.. effects.Select(effect => effect.Surprise)],
            [.. effects.Select(effect => effect.Repetition)],
            [.. effects.Zip(elsewhere, (effect, other) => -effect.Surprise > other ? 1.0 : 0)],
            edits.Count == 0 ? [.. task.Undisturbed.Select(_ => 0.0)] : Disturbance(task.Undisturbed, edits),
            text.CrossEntropy(edits, cancellationToken)
        );
    }

    private double[] Read((int[] Prompt, int[] Reply)[] pairs, PersonaTask task) =>
        ReplyMeans
            .Read(model, [.. pairs.Select(pair => ReadReply.Of(pair.Prompt, pair.Reply))], cancellationToken: cancellationToken)
            .Projections(task.Layer, task.Direction);

    private double[] Preference(IReadOnlyList<(int[] Prompt, int[] Favoured, int[] Other)> choices, IReadOnlyList<Edit> edits)
    {
        var favoured = ReplyLikelihood.Of(model, [.. choices.Select(one => (one.Prompt, one.Favoured))], edits, cancellationToken);
        var other = ReplyLikelihood.Of(model, [.. choices.Select(one => (one.Prompt, one.Other))], edits, cancellationToken);
        return [.. favoured.Zip(other, (a, b) => a - b)];
    }

    /// <summary>KL(unedited ‖ edited) of replies that should stay as they are.</summary>
    private double[] Disturbance(IReadOnlyList<(int[] Prompt, int[] Reply)> pairs, IReadOnlyList<Edit> edits) =>
        [.. pairs.Select(pair => SteeringEffect.Measure(model, pair.Prompt, pair.Reply, edits, cancellationToken).Kl)];
}
