using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>
/// Finds out whether dictionaries read what they were trained on: their FVU and L0 over a short text are compared with what is promised, and
/// with those of other readings of the same activations. The bounds, and what they were found on, stand in the decision record
/// <c>right-dictionary</c>.
/// </summary>
public static class DictionaryChecker
{
    // Of right pairs, L0 on another text is within a third of what is promised; of wrong ones it is off by 1.7 to 50 times.
    private const double L0Off = 3,
        L0Suspicious = 1.7;

    // The mean of each dimension has an FVU of 1: a dictionary above it does harm.
    private const double FvuOff = 1,
        FvuSuspicious = 0.6;

    // A better reading leaves clearly less unexplained, and either much less or its L0 fits too.
    private const double BetterFvu = 0.9,
        BetterMisfit = 0.9,
        FarBetter = 0.75,
        Plausible = 0.75;

    // A few tokens of some models have norms by which they would decide alone.
    private const double Outlier = 10;

    // Multiply-adds of one encoding; of wide dictionaries fewer tokens are read.
    private const double EncodingBudget = 5e9;
    private const int LeastRows = 48;

    // What a check on opening may cost: multiply-adds of the model, tokens of each text, and weights of a dictionary.
    private const double RunBudget = 3e11;
    private const int LeastTokens = 20;
    private const long WidestEncoder = 1_500_000_000;

    /// <summary>
    /// Checks dictionaries as they are opened: on fewer tokens the larger the model is, and each pair once, as long as its files stay the
    /// same. Those of which an encoding would take long are left out, and all where the model has no tokenizer.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries of it.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <returns>The checks that were made or known, in their order.</returns>
    public static IReadOnlyList<DictionaryCheck> CheckOnOpening(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        CancellationToken cancellationToken = default
    )
    {
        var checks = new DictionaryCheck?[dictionaries.Count];
        var keys = dictionaries.Select(one => IsQuick(one) ? KnownChecks.Key(model, one) : null).ToArray();
        for (var i = 0; i < keys.Length; i++)
            checks[i] = keys[i] is { } key ? KnownChecks.Find(key) : null;
        int[] missing = [.. Enumerable.Range(0, keys.Length).Where(i => keys[i] is not null && checks[i] is null)];
        if (missing.Length > 0 && ShortText(model) is { } text)
            foreach (var (i, check) in missing.Zip(Check(model, [.. missing.Select(i => dictionaries[i])], text, cancellationToken)))
                KnownChecks.Keep(keys[i]!, checks[i] = check, model);
        return [.. checks.OfType<DictionaryCheck>()];
    }

    private static bool IsQuick(SparseDictionary dictionary) =>
        dictionary.HasSites && (long)dictionary.Width * dictionary.InputWidth <= WidestEncoder;

    private static EvaluationBatch? ShortText(GemmaModel model)
    {
        try
        {
            var tokens = RunBudget / (CheckText.Count * (double)model.Parameters);
            return CheckText.Of(model.Tokenizer, (int)Math.Clamp(tokens, LeastTokens, CheckText.TokensPerText));
        }
        catch (GemmaScopeException)
        {
            // Who reads a text with such a model is told so.
            return null;
        }
    }

    /// <summary>Checks dictionaries of a model; the model runs once, and once more for those that look wrong.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries whose sites it has.</param>
    /// <param name="text">What is read: <see cref="CheckText"/>, or texts of at least a hundred tokens together.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <returns>A check of each.</returns>
    /// <exception cref="ArgumentProblemException">No token counts, or a dictionary has another width than its site.</exception>
    public static IReadOnlyList<DictionaryCheck> Check(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        EvaluationBatch text,
        CancellationToken cancellationToken = default
    )
    {
        using var run = new CheckRun(model, text, cancellationToken);
        if (run.Texts.Length == 0)
            throw new ArgumentProblemException("holds no token that counts", "text");
        run.Capture(
            dictionaries.SelectMany(one => CheckReadings.Near(one, model).Prepend(CheckReadings.Declared(one))).SelectMany(SitesOf)
        );
        return [.. dictionaries.Select(one => Check(one, run))];
    }

    private static DictionaryCheck Check(SparseDictionary dictionary, CheckRun run)
    {
        var (promise, declared) = (DictionaryPromise.Of(dictionary), CheckReadings.Declared(dictionary));
        var norms = Norms(run, declared.Inputs);
        var rows = Rows(dictionary, norms);
        var norm = rows.Average(row => norms[row]);
        var found = declared.Measure(dictionary, run, rows);
        var tried = Measure(CheckReadings.Near(dictionary, run.Model));
        if (IsSuspicious())
        {
            var more = CheckReadings.All(dictionary, run.Model, Math.Sqrt(rows.Average(row => norms[row] * norms[row]))).ToArray();
            run.Capture(more.SelectMany(SitesOf));
            var known = tried.Select(one => one.Reading.Name).ToHashSet(StringComparer.Ordinal);
            tried = [.. tried, .. Measure(more.Where(one => known.Add(one.Name)))];
        }
        var off = found.Fvu > FvuOff || !double.IsFinite(found.Fvu) || Distance(found.L0, promise) > L0Off;
        var better = tried
            .Where(one => IsBetter(one.Numbers, found, promise))
            // What exists is likelier than what is made of it, unless that fits far better still.
            .OrderBy(one => Misfit(one.Numbers, promise) * (one.Reading.IsSite ? FarBetter : 1))
            .Select(one => ((CheckReading, CheckNumbers)?)one)
            .FirstOrDefault();
        return new()
        {
            Dictionary = dictionary.Name,
            InputSites = [.. dictionary.InputSites.Select(site => $"{site}")],
            TrainedOn = promise.Model,
            Tokens = rows.Length,
            Fvu = found.Fvu,
            L0 = found.L0,
            LeastL0 = promise.L0?.Least,
            MostL0 = promise.L0?.Most,
            Norm = norm,
            PromisedNorm = promise.Norm,
            Tried = tried.Length,
            Findings = [.. new CheckFindings(run.Model, declared, found, promise, norm, tried.Length).All(off, better)],
        };

        (CheckReading Reading, CheckNumbers Numbers)[] Measure(IEnumerable<CheckReading> readings) =>
            [.. readings.Select(one => (one, one.Measure(dictionary, run, rows)))];

        bool IsSuspicious() =>
            !(found.Fvu <= FvuSuspicious)
            || Distance(found.L0, promise) > L0Suspicious
            || tried.Any(one => one.Numbers.Fvu < found.Fvu && one.Numbers.NotBetterThan(found) <= 1);
    }

    /// <summary>Whether a reading fits far better than the declared one: on all texts but one, so that none decides alone.</summary>
    private static bool IsBetter(CheckNumbers other, CheckNumbers declared, DictionaryPromise promise)
    {
        var (fvu, misfit) = (other.Fvu / declared.Fvu, Misfit(other, promise) / Misfit(declared, promise));
        return fvu <= BetterFvu
            && misfit <= BetterMisfit
            && Math.Min(fvu, misfit) <= FarBetter
            && other.Fvu <= Plausible
            && Distance(other.L0, promise) <= L0Suspicious
            && other.NotBetterThan(declared) <= Math.Min(1, other.Texts - 1);
    }

    /// <summary>FVU, times the factor by which L0 misses what is promised.</summary>
    private static double Misfit(CheckNumbers numbers, DictionaryPromise promise) => numbers.Fvu * Distance(numbers.L0, promise);

    /// <summary>By which factor an L0 misses the promised range; 1 inside it, and where nothing is promised.</summary>
    private static double Distance(double l0, DictionaryPromise promise) =>
        promise.L0 is not { } range ? 1
        : l0 <= 0 ? double.PositiveInfinity
        : Math.Max(1, Math.Max(l0 / range.Most, range.Least / l0));

    private static double[] Norms(CheckRun run, IReadOnlyList<Site> sites)
    {
        using var x = CheckReading.Gather(run, sites, [.. Enumerable.Range(0, run.Texts.Length)], change: null);
        var norms = new double[x.Rows];
        for (var row = 0; row < norms.Length; row++)
            norms[row] = TensorPrimitives.Norm<float>(x.Row(row));
        return norms;
    }

    /// <summary>The tokens that are read: none that would decide alone, and of wide dictionaries each second, third …</summary>
    private static int[] Rows(SparseDictionary dictionary, double[] norms)
    {
        var most = Outlier * norms.Order().ElementAt(norms.Length / 2);
        int[] usual = [.. Enumerable.Range(0, norms.Length).Where(row => norms[row] <= most)];
        var count = Math.Max(LeastRows, EncodingBudget / ((double)dictionary.Width * dictionary.InputWidth));
        var step = (int)Math.Max(1, usual.Length / count);
        return [.. usual.Where((_, index) => index % step == 0)];
    }

    private static IEnumerable<Site> SitesOf(CheckReading reading) => reading.Inputs.Concat(reading.Outputs);
}
