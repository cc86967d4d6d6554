using GemmaScope.Activations;

namespace GemmaScope.Features.Interpretation;

/// <summary>A passage about which somebody who knows an explanation is asked.</summary>
/// <param name="Tokens">Its token ids.</param>
/// <param name="Marks">Fuzzing: the tokens that are shown as active. Detection: null.</param>
/// <param name="Truth">Detection: whether the feature fires in it. Fuzzing: whether the marked tokens are those where it fires.</param>
public sealed record Question(IReadOnlyList<int> Tokens, IReadOnlyList<bool>? Marks, bool Truth);

/// <summary>
/// The questions about a feature (METHODS §6.1). Detection: passages in which it fires, as many from each tenth of them by their largest
/// activation, and passages
/// in which it does not. Fuzzing: the former twice, once with the tokens marked where it fires, once with as many others.
/// </summary>
/// <param name="Detection">Does it fire in this passage? Empty where too few passages are free of it.</param>
/// <param name="Fuzzing">Are the marked tokens those where it fires?</param>
public sealed record QuestionSet(IReadOnlyList<Question> Detection, IReadOnlyList<Question> Fuzzing)
{
    /// <summary>Passages of a kind below which nothing is asked: a score of fewer says nothing.</summary>
    public const int Fewest = 10;

    private const int Quantiles = 10;

    /// <summary>Draws questions; the same seed draws the same.</summary>
    /// <param name="activations">Where features fire.</param>
    /// <param name="feature">The feature.</param>
    /// <param name="selection">Whether they are from the half that explanations are chosen by, or from the half that scores them.</param>
    /// <param name="examples">Passages in which it fires, and as many in which it does not.</param>
    /// <param name="seed">Decides the draw, together with the feature.</param>
    /// <returns>Null where the feature fires in fewer than <see cref="Fewest"/> passages.</returns>
    /// <exception cref="ArgumentProblemException">The feature was not read, or there would be too few examples.</exception>
    public static QuestionSet? Draw(HeldOutActivations activations, int feature, bool selection, int examples = 50, int seed = 0)
    {
        if (examples < Fewest)
            throw new ArgumentProblemException($"must be at least {Fewest}", "examples");
        var text = activations.Text;
        var all = activations.Of(feature);
        FiringPassage[] firing = [.. all.Where(one => text.IsForSelection(one.Passage) == selection)];
        if (firing.Length < Fewest)
            return null;
        var fires = all.Select(one => one.Passage).ToHashSet();
        int[] silent =
        [
            .. Enumerable.Range(0, text.Count).Where(passage => text.IsForSelection(passage) == selection && !fires.Contains(passage)),
        ];

        long[] keys = [seed, feature, selection ? 1 : 0];
        var shown = ByQuantile(firing, examples, keys);
        List<Question> detection = [],
            fuzzing = [];
        if (silent.Length >= Fewest)
        {
            detection.AddRange(shown.Select(one => new Question(text.Passage(one.Passage).ToArray(), null, true)));
            detection.AddRange(
                Shuffled(silent, [.. keys, 1]).Take(examples).Select(passage => new Question(text.Passage(passage).ToArray(), null, false))
            );
        }
        foreach (var one in shown)
            fuzzing.AddRange(Marked(text, one, keys));
        return new QuestionSet([.. Shuffled(detection, [.. keys, 2])], [.. Shuffled(fuzzing, [.. keys, 3])]);
    }

    /// <summary>As many from each tenth of the passages by their largest activation.</summary>
    private static List<FiringPassage> ByQuantile(FiringPassage[] firing, int examples, long[] keys)
    {
        if (firing.Length <= examples)
            return [.. firing];
        FiringPassage[] ordered = [.. firing.OrderBy(one => one.Max).ThenBy(one => one.Passage)];
        var drawn = new List<FiringPassage>();
        for (var q = 0; q < Quantiles; q++)
        {
            var tenth = ordered[(ordered.Length * q / Quantiles)..(ordered.Length * (q + 1) / Quantiles)];
            drawn.AddRange(Shuffled(tenth, [.. keys, 4, q]).Take(examples * (q + 1) / Quantiles - examples * q / Quantiles));
        }
        return drawn;
    }

    /// <summary>The two questions of a passage; one where no token is left to be marked wrongly.</summary>
    private static IEnumerable<Question> Marked(HeldOutText text, FiringPassage one, long[] keys)
    {
        var tokens = text.Passage(one.Passage).ToArray();
        var right = new bool[tokens.Length];
        foreach (var firing in one.Firings)
            right[firing.Position] = true;
        yield return new Question(tokens, right, true);
        int[] others = [.. Enumerable.Range(0, tokens.Length).Where(position => !right[position] && text.Counts(one.Passage, position))];
        if (others.Length == 0)
            yield break;
        var wrong = new bool[tokens.Length];
        foreach (var position in Shuffled(others, [.. keys, 5, one.Passage]).Take(one.Firings.Count))
            wrong[position] = true;
        yield return new Question(tokens, wrong, false);
    }

    private static IEnumerable<T> Shuffled<T>(IReadOnlyList<T> items, long[] keys) =>
        Shuffle.Permutation(items.Count, keys).Select(i => items[i]);
}
