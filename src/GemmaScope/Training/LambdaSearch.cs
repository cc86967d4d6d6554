using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>A short run of a search.</summary>
/// <param name="Lambda">λ.</param>
/// <param name="L0">Mean number of active features on rows that follow those trained on.</param>
public readonly record struct SearchedLambda(double Lambda, double L0);

/// <summary>
/// Looks for the λ that leads to an L0, by short runs of the same recipe whose schedules are as much shorter. L0 falls with λ, so between a
/// λ that left too many features active and one that left too few it interpolates the logarithms. Each run is noted in the output folder,
/// so that an interrupted search goes on and the same search gives the same λ.
/// </summary>
public sealed class LambdaSearch
{
    /// <summary>The file of the runs made.</summary>
    public const string FileName = "search.jsonl";

    private const int MeasuredRows = 8192,
        BatchRows = 1024;

    // A step beyond what was tried, and how near a side an interpolation may come.
    private const double LargestFactor = 10,
        Margin = 0.1;

    private readonly TrainingConfiguration _configuration;
    private readonly List<SearchedLambda> _tried = [];
    private readonly string _file,
        _runs;

    private LambdaSearch(TrainingConfiguration configuration)
    {
        (_configuration, _file, _runs) = (
            configuration,
            Path.Combine(configuration.Output, FileName),
            Path.Combine(configuration.Output, "search")
        );
        Target = configuration.Search.L0 ?? throw new ArgumentProblemException("is missing: the L0 to search for", "search.l0");
    }

    private double Target { get; }

    /// <summary>Searches.</summary>
    /// <param name="configuration">What is to be trained; <see cref="SearchSettings.L0"/> is given.</param>
    /// <param name="source">Its data, read from the start by each run.</param>
    /// <param name="train">Runs a short run to its end; cancelling it keeps its checkpoint.</param>
    /// <param name="progress">Told of each run made, or null.</param>
    /// <param name="restart">Whether runs noted before are left aside.</param>
    /// <returns>The run that came nearest; it is beyond the tolerance where the number of runs did not suffice.</returns>
    /// <exception cref="GemmaScopeException">A run cannot be made.</exception>
    public static SearchedLambda Find(
        TrainingConfiguration configuration,
        IActivationSource source,
        Action<TrainingRun> train,
        IProgress<SearchedLambda>? progress = null,
        bool restart = false
    )
    {
        var search = new LambdaSearch(configuration);
        var known = search.Known(restart);
        while (search._tried.Count < configuration.Search.Runs && !(search._tried.Count > 0 && search.IsNear(search.Nearest())))
        {
            var lambda = Next(search._tried, search.Target, configuration.Recipe.Lambda);
            var found = known.TryGetValue(lambda, out var l0) ? new SearchedLambda(lambda, l0) : search.Try(lambda, source, train);
            search._tried.Add(found);
            progress?.Report(found);
        }
        if (Directory.Exists(search._runs))
            Directory.Delete(search._runs, recursive: true);
        return search.Nearest();
    }

    /// <summary>The λ to try next.</summary>
    /// <param name="tried">What was found.</param>
    /// <param name="target">The L0 wanted.</param>
    /// <param name="first">The λ to begin with.</param>
    internal static double Next(IReadOnlyList<SearchedLambda> tried, double target, double first)
    {
        if (tried.Count == 0)
            return first;
        SearchedLambda[] many = [.. tried.Where(one => one.L0 > target)],
            few = [.. tried.Where(one => one.L0 <= target)];
        if (few.Length == 0)
            return Beyond(many.MaxBy(one => one.Lambda));
        if (many.Length == 0)
            return Beyond(few.MinBy(one => one.Lambda));
        var (low, high) = (many.MaxBy(one => one.Lambda), few.MinBy(one => one.Lambda));
        // Without a feature left there is no logarithm to interpolate: halve.
        var part = high.L0 > 0 ? Math.Log(low.L0 / target) / Math.Log(low.L0 / high.L0) : 0.5;
        return low.Lambda * Math.Pow(high.Lambda / low.Lambda, Math.Clamp(part, Margin, 1 - Margin));

        double Beyond(SearchedLambda edge) => edge.Lambda * Math.Clamp(Math.Pow(edge.L0 / target, 2), 1 / LargestFactor, LargestFactor);
    }

    private SearchedLambda Nearest() => _tried.MinBy(one => Math.Abs(Math.Log(one.L0 / Target)));

    private bool IsNear(SearchedLambda one) => Math.Abs(one.L0 / Target - 1) <= _configuration.Search.Tolerance;

    private SearchedLambda Try(double lambda, IActivationSource source, Action<TrainingRun> train)
    {
        var configuration = Short(lambda);
        source.Seek(0);
        double l0;
        using (var run = TrainingRun.Open([configuration], source, configuration.Output))
        {
            train(run);
            using var dictionary = run.Members[0].ToDictionary(configuration.Output);
            l0 = MeanL0(dictionary, source);
        }
        var line = JsonSerializer.Serialize(
            new Dictionary<string, object>
            {
                ["of"] = Digest(),
                ["lambda"] = lambda,
                ["l0"] = l0,
            }
        );
        try
        {
            File.AppendAllText(_file, line + "\n");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"cannot be written: {problem.Message}", _file, problem);
        }
        return new(lambda, l0);
    }

    /// <summary>The same training in fewer steps, with schedules that end as much earlier.</summary>
    private TrainingConfiguration Short(double lambda)
    {
        var steps = _configuration.Search.Steps ?? Math.Max(1, _configuration.TotalSteps / SearchSettings.Shorter);
        var share = Math.Min(1, (double)steps / _configuration.TotalSteps);
        return _configuration with
        {
            Steps = steps,
            Search = new(),
            Evaluation = _configuration.Evaluation with { EverySteps = null },
            Output = Path.Combine(_runs, lambda.ToString("r", CultureInfo.InvariantCulture)),
            Recipe = _configuration.Recipe.Shorter(share) with { Lambda = lambda },
        };
    }

    private static double MeanL0(SparseDictionary dictionary, IActivationSource source)
    {
        using var batch = new ActivationBatch(source, BatchRows);
        using var x = Tensor.Uninitialized(BatchRows, dictionary.InputWidth);
        long active = 0,
            rows = 0;
        for (; rows < MeasuredRows; rows += BatchRows)
        {
            source.Read(batch);
            batch.CopyBeside(dictionary.InputSites, x.AsMatrix());
            var features = dictionary.Encode(x.AsMatrix());
            for (var row = 0; row < BatchRows; row++)
                active += features.L0(row);
        }
        return (double)active / rows;
    }

    /// <summary>The runs of this search that were made before, and their L0.</summary>
    private Dictionary<double, double> Known(bool restart)
    {
        if (restart)
        {
            if (File.Exists(_file))
                File.Delete(_file);
            if (Directory.Exists(_runs))
                Directory.Delete(_runs, recursive: true);
        }
        if (!File.Exists(_file))
            return [];
        var (known, digest) = (new Dictionary<double, double>(), Digest());
        foreach (var line in JsonLines.Read(_file))
            if (line.Text("of") == digest && line.Number("lambda") is { } lambda && line.Number("l0") is { } l0)
                known[lambda] = l0;
        return known;
    }

    /// <summary>What decides about the L0 of a short run beside its λ.</summary>
    private string Digest()
    {
        var same = Short(1) with { Output = "", Run = new(), Evaluation = new(), Form = null };
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(same.ToYaml())).AsSpan(0, 8));
    }
}
