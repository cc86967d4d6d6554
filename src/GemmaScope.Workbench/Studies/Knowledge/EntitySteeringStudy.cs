using GemmaScope.Behaviour;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What it does to replies when names are steered to the side of the unknown, or of the known, beside random directions as long and random
/// features as dense.</summary>
internal sealed class EntitySteeringStudy(
    GemmaModel model,
    EntitySet set,
    KnowledgeStudyJobOptions options,
    CancellationToken cancellationToken
)
{
    private const int MostNames = 32;

    private readonly Dictionary<bool, (double[] Phrase, bool[]? Words)> _before = [];
    private readonly int[] _phrase = model.Tokenizer.Encode(IgnoranceWords.Phrase);

    /// <summary>Adds a direction, which leads from unknown to known.</summary>
    public EntitySteering[] Along(float[] direction, int layer)
    {
        List<EntitySteering> found = [];
        foreach (var toKnown in (bool[])[false, true])
        {
            found.Add(Measure("direction", toKnown, isControl: false, Add(direction, toKnown ? 1 : -1)));
            for (var control = 0; control < options.Controls; control++)
                found.Add(
                    Measure(
                        $"random direction {control + 1}",
                        toKnown,
                        isControl: true,
                        Add(ControlDirections.Random(direction, options.Seed + control), 1)
                    )
                );
        }
        return [.. found];

        IReadOnlyList<Edit> Add(float[] vector, float strength) => [Edit.Add(Site.ResidPost(layer), vector, strength, 1..)];
    }

    /// <summary>Raises the features of a side to the largest that they reach by themselves.</summary>
    public EntitySteering[] With(SparseDictionary dictionary, string name, EntityFeatures features)
    {
        List<EntitySteering> found = [];
        HashSet<int> taken = [.. features.Chosen.Select(one => one.Feature)];
        foreach (var toKnown in (bool[])[false, true])
        {
            EntityFeature[] own = [.. features.Chosen.Where(one => one.Side == (toKnown ? "known" : "unknown"))];
            if (own.Length == 0)
                continue;
            int[] raised = [.. own.Select(one => one.Feature)];
            found.Add(Measure($"features of {name}", toKnown, isControl: false, Raise(raised)));
            for (var control = 0; control < options.Controls; control++)
            {
                var random = FeatureControls.Matched(raised, features.Densities, taken, options.Seed, 2 * control + (toKnown ? 1 : 0));
                if (random.Length > 0)
                    found.Add(Measure($"random features of {name} {control + 1}", toKnown, isControl: true, Raise(random)));
            }

            IReadOnlyList<Edit> Raise(int[] some) =>
                Steering.Edits(
                    SteeringMode.Clamp,
                    [.. some.Select(feature => new SteeredFeature(dictionary, feature, (float)features.Largest[feature]))],
                    model.Config
                );
        }
        return [.. found];
    }

    private EntitySteering Measure(string name, bool toKnown, bool isControl, IReadOnlyList<Edit> edits)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // Known names become unknown, and the other way round.
        if (!_before.TryGetValue(toKnown, out var before))
            _before[toKnown] = before = Replies(toKnown, []);
        var after = Replies(toKnown, edits);
        return new(
            name,
            toKnown ? "known" : "unknown",
            isControl,
            StudyMeans.Change(after.Phrase, before.Phrase, options),
            StudyMeans.Share(after.Words, options),
            StudyMeans.Share(before.Words, options)
        );
    }

    private (double[] Phrase, bool[]? Words) Replies(bool toKnown, IReadOnlyList<Edit> edits)
    {
        AskedPrompt[] prompts = [.. set.Test.Where(i => set.Known[i] != toKnown).Take(MostNames).Select(i => set.Asked.Prompts[i])];
        return (
            PhraseScores.Of(model, [.. prompts.Ids()], _phrase, edits, options.Organism, cancellationToken),
            options.MaxTokens == 0
                ? null
                :
                [
                    .. StudyReplies
                        .Of(model, prompts, edits, options.MaxTokens, cancellationToken)
                        .Select(reply => IgnoranceWords.AreIn(StudyReplies.Text(model, reply))),
                ]
        );
    }
}
