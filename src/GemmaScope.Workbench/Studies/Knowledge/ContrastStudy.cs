using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Probes of traits (deception, awareness of a test): whether they survive a change of style, or read the style.</summary>
internal sealed class ContrastStudy(
    GemmaModel model,
    KnowledgeStudyJobOptions options,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    private const int FewestTexts = 8;

    private const string Positive = "positive";

    /// <summary>The traits of the study, read before anything is measured.</summary>
    /// <exception cref="ArgumentProblemException">The file has no such trait, or one has too few texts of a kind.</exception>
    public static IReadOnlyList<LabelledSet> Sets(KnowledgeStudyJobOptions options)
    {
        if (options.Contrast is not { } file)
            return [];
        var sets = LabelledSet.Load([file]);
        if (options.Traits.Count > 0)
        {
            foreach (var trait in options.Traits)
                if (!sets.Any(set => Is(set, trait)))
                    throw new ArgumentProblemException(
                        $"'{trait}' is no trait of {Path.GetFileName(file)}; it has {sets.Count}, among them {string.Join(", ", sets.Take(5).Select(set => set.Name))}",
                        new Setting(nameof(options.Traits))
                    );
            sets = [.. sets.Where(set => options.Traits.Any(trait => Is(set, trait)))];
        }
        foreach (var set in sets)
        {
            if (set.Classes.Count != 2)
                throw new ArgumentProblemException($"{set.Name} has {set.Classes.Count} kinds of texts; a probe tells two apart", file);
            if (set.Classes.Any(name => set.Rows.Count(row => row.Label == name) < FewestTexts))
                throw new ArgumentProblemException(
                    $"{set.Name} has fewer than {FewestTexts} texts of a kind, too few to fit and to test",
                    file
                );
        }
        return sets;

        static bool Is(LabelledSet set, string trait) => set.Name == trait || set.Name.EndsWith("/" + trait, StringComparison.Ordinal);
    }

    public KnowledgeTrait[] Measure(IReadOnlyList<LabelledSet> sets)
    {
        List<KnowledgeTrait> found = [];
        foreach (var set in sets)
        {
            progress.Stage($"reading {set.Name} in {TextStyle.All.Count} styles");
            found.Add(folder.Part($"trait {set.Name}", () => Measure(set)));
        }
        return [.. found];
    }

    private KnowledgeTrait Measure(LabelledSet set)
    {
        var positive = set.Classes.FirstOrDefault(name => name == Positive) ?? set.Classes[^1];
        var styled = Styled(set, out var places);
        bool[] labels = [.. places.Select(i => set.Rows[i].Label == positive)];
        var (train, test) = Halves(labels, options.Seed);
        var (fit, choose) = Halves(train, labels, options.Seed + 1);
        var (layer, point) = Choose(styled, labels, fit, choose);
        var shifts = StyleShifts.Measure(
            Rows(styled, layer, point),
            [.. TextStyle.All.Select(style => style.Name)],
            labels,
            train,
            test,
            options.Permutations,
            options.Resamples,
            options.Seed,
            cancellationToken
        );
        var words = Words(styled[0].Asked, labels, train, test);
        return new(
            set.Name,
            labels.Length,
            test.Length,
            layer,
            AskedTexts.Points[point],
            words,
            [
                .. Enumerable
                    .Range(0, model.Config.Layers)
                    .Select(l =>
                    {
                        var rows = styled[0].Rows[Site.ResidPost(l), point];
                        var probe = ActivationProbe.Fit(ProbeMethod.MassMean, Of(rows, train), Of(labels, train), cancellationToken);
                        return Ranking.AurocOf(Of(labels, test), probe.Scores(Of(rows, test)));
                    }),
            ],
            shifts,
            Verdict(shifts, words)
        );
    }

    internal static string Verdict(IReadOnlyList<StyleShift> shifts, double? words)
    {
        string[] dead = [.. shifts.Where(shift => !shift.Survives).Select(shift => shift.Style)];
        if (dead.Length == shifts.Count)
            return "worth nothing: it tells the two kinds apart in no style";
        if (dead.Length > 0)
            return $"worth nothing: it dies under {string.Join(", ", dead)}";
        return shifts.Average(shift => shift.Auroc) <= words ? "survives, but a bag of words does as well" : "survives every style";
    }

    private List<(AskedTexts Asked, ResidualReadings Rows, double[] Entropies)> Styled(LabelledSet set, out int[] places)
    {
        string[] texts = [.. set.Rows.Select(row => row.Text)];
        // A text that is too long in one style is left out of all.
        places =
        [
            .. TextStyle
                .All.Select(style => AskedTexts.Of(model, "", Array.ConvertAll(texts, text => style.Write(text)), null).Kept)
                .Aggregate((all, kept) => [.. all.Intersect(kept)]),
        ];
        var kept = Array.ConvertAll(places, i => texts[i]);
        return
        [
            .. TextStyle.All.Select(style =>
            {
                var asked = AskedTexts.Of(model, "", Array.ConvertAll(kept, text => style.Write(text)), null);
                var entropies = new double[kept.Length];
                var rows = asked.Read(
                    model,
                    (i, logits) => entropies[i] = YesNo.Entropy(logits),
                    options.Organism,
                    null,
                    cancellationToken
                );
                return (asked, rows, entropies);
            }),
        ];
    }

    private (int Layer, int Point) Choose(
        List<(AskedTexts Asked, ResidualReadings Rows, double[] Entropies)> styled,
        bool[] labels,
        int[] fit,
        int[] choose
    )
    {
        return Enumerable
            .Range(0, model.Config.Layers)
            .SelectMany(layer => Enumerable.Range(0, AskedTexts.Points.Length).Select(point => (Layer: layer, Point: point)))
            .MaxBy(place => Auroc(place.Layer, place.Point));

        double? Auroc(int layer, int point)
        {
            var rows = styled.ConvertAll(style => style.Rows[Site.ResidPost(layer), point]);
            var probe = ActivationProbe.Fit(
                ProbeMethod.MassMean,
                [.. rows.SelectMany(style => Of(style, fit))],
                [.. rows.SelectMany(_ => Of(labels, fit))],
                cancellationToken
            );
            return Ranking.AurocOf(
                [.. rows.SelectMany(_ => Of(labels, choose))],
                probe.Scores([.. rows.SelectMany(style => Of(style, choose))])
            );
        }
    }

    private static StyledRows Rows(List<(AskedTexts Asked, ResidualReadings Rows, double[] Entropies)> styled, int layer, int point) =>
        new(
            styled.ConvertAll(style => style.Rows[Site.ResidPost(layer), point]),
            styled.ConvertAll(style => (IReadOnlyList<double>)style.Entropies),
            styled.ConvertAll(style => (IReadOnlyList<double>)[.. style.Asked.Prompts.Select(one => (double)one.Tokens.Ids.Length)])
        );

    private double? Words(AskedTexts asked, bool[] labels, int[] train, int[] test)
    {
        var words = BagOfWords.Count(
            Enumerable.Range(0, labels.Length).Select(i => asked.Words(i).AsEnumerable()),
            model.Tokenizer.VocabularySize
        );
        var probe = LogisticProbe.Fit(
            SparseProducts.Rows(words, train),
            Of(labels, train),
            new LogisticOptions { GradientTolerance = 1e-3 },
            cancellationToken
        );
        return Ranking.AurocOf(Of(labels, test), probe.Scores(SparseProducts.Rows(words, test)));
    }

    private static (int[] One, int[] Other) Halves(bool[] labels, int seed) =>
        Halves([.. Enumerable.Range(0, labels.Length)], labels, seed);

    /// <summary>Two halves with as many texts of each kind.</summary>
    internal static (int[] One, int[] Other) Halves(int[] places, bool[] labels, int seed)
    {
        int[] mixed = [.. places];
        new Random(seed).Shuffle(mixed);
        List<int> one = [],
            other = [];
        foreach (var kind in mixed.GroupBy(i => labels[i]))
        foreach (var (n, place) in kind.Index())
            (n % 2 == 0 ? one : other).Add(place);
        return ([.. one.Order()], [.. other.Order()]);
    }

    private static T[] Of<T>(IReadOnlyList<T> values, int[] places) => Array.ConvertAll(places, i => values[i]);
}
