using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>One model of an evaluation folder with its dictionaries, its tokens and what is expected of it.</summary>
internal sealed class SplicedHost : IDisposable
{
    // Several batches: the sums of parts must add up.
    private const int BatchSize = 7;

    public SplicedHost(string folder, JsonSection expected, SafetensorsFile golden)
    {
        (Expected, Golden) = (expected, golden);
        Model = GemmaModel.Load(Path.Combine(folder, expected.Text("model") ?? throw expected.Missing("model")));
        try
        {
            foreach (var entry in expected.Objects("dictionaries"))
                Load(folder, entry);
        }
        catch
        {
            Dispose();
            throw;
        }
        var special = expected.Integers("special_ids") ?? throw expected.Missing("special_ids");
        var length = golden["input_ids"].Columns;
        Sequences = [.. Verification.Golden.Integers(golden, "input_ids").ToArray().Chunk(length)];
        All = EvaluationBatch.WithSpecialIds(Sequences, [.. special], Model.Config.BosId);
        Batches = [.. Sequences.Chunk(BatchSize).Select(part => EvaluationBatch.WithSpecialIds(part, [.. special], Model.Config.BosId))];
        var sets = expected.Section("sets") ?? throw expected.Missing("sets");
        Sets = [.. sets.Keys.Select(name => new SpliceSet(name, [.. Members(sets.Section(name)!)]))];
    }

    public JsonSection Expected { get; }

    public SafetensorsFile Golden { get; }

    public GemmaModel Model { get; }

    public List<string> Names { get; } = [];

    public List<SparseDictionary> Dictionaries { get; } = [];

    public int[][] Sequences { get; }

    /// <summary>All sequences at once.</summary>
    public EvaluationBatch All { get; }

    /// <summary>The same in parts.</summary>
    public EvaluationBatch[] Batches { get; }

    public SpliceSet[] Sets { get; }

    /// <summary>All runs of all sets; mean ablation needs a pass before.</summary>
    public EvaluationSums Evaluate(IReadOnlyDictionary<Site, float[]> means)
    {
        var evaluator = new Evaluator(
            Model,
            Dictionaries,
            new EvaluationOptions
            {
                Runs = Enum.GetValues<SplicedRun>(),
                Sets = Sets,
                Means = means,
                Positions = int.MaxValue,
                Arithmetic = Arithmetic.Exact,
            }
        );
        foreach (var batch in Batches)
            evaluator.Add(batch);
        return evaluator.Sums;
    }

    /// <summary>The mean at each output site, from a pass without splicing.</summary>
    public Dictionary<Site, float[]> Means()
    {
        var evaluator = new Evaluator(
            Model,
            Dictionaries,
            new EvaluationOptions
            {
                Runs = [],
                Uniformity = false,
                Arithmetic = Arithmetic.Exact,
            }
        );
        foreach (var batch in Batches)
            evaluator.Add(batch);
        var means = new Dictionary<Site, float[]>();
        foreach (var (dictionary, sums) in Dictionaries.Zip(evaluator.Sums.Dictionaries))
            means[dictionary.OutputSite] = [.. sums.Reconstruction.Mean().Select(value => (float)value)];
        return means;
    }

    public void Dispose()
    {
        foreach (var dictionary in Dictionaries)
            dictionary.Dispose();
        Model.Dispose();
    }

    /// <summary>A dictionary at the sites that the JSON names; paths of made-up repositories need not say them.</summary>
    private void Load(string folder, JsonSection entry)
    {
        var options = new DictionaryLoadOptions { Site = SiteOf(entry, "site_in"), OutputSite = SiteOf(entry, "site_out") };
        Dictionaries.Add(SparseDictionary.Load(Path.Combine(folder, entry.Text("path") ?? throw entry.Missing("path")), options));
        Names.Add(entry.Text("name") ?? throw entry.Missing("name"));
    }

    private static Site SiteOf(JsonSection entry, string key) =>
        Site.Parse($"{entry.Text(key) ?? throw entry.Missing(key)}.{entry.Integer("layer") ?? throw entry.Missing("layer")}");

    private IEnumerable<int> Members(JsonSection set) =>
        (set.Texts("dictionaries") ?? throw set.Missing("dictionaries")).Select(name =>
            Names.IndexOf(name) is >= 0 and var place ? place : throw set.Bad("dictionaries", $"names {name}, which is not listed")
        );
}
