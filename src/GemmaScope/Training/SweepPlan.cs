using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Training;

/// <summary>One dictionary of a suite.</summary>
/// <param name="Name">What it is, in a word that can be a folder's name.</param>
/// <param name="Configuration">How it is trained.</param>
public sealed record SweepItem(string Name, TrainingConfiguration Configuration);

/// <summary>Dictionaries that are trained together on one reading of the data.</summary>
/// <param name="Name">A name that follows from its items, so that only the same group takes up its checkpoint.</param>
/// <param name="Items">The dictionaries.</param>
/// <param name="Bytes">Estimated memory.</param>
public sealed record SweepGroup(string Name, IReadOnlyList<SweepItem> Items, long Bytes);

/// <summary>The dictionaries of a suite, and which are trained together.</summary>
public static class SweepPlan
{
    /// <summary>The folder in a suite for what belongs to the runs and not to the result.</summary>
    public const string RunsFolder = "runs";

    // Parameters, their two moments, and what the step needs of their size.
    private const int CopiesOfParameters = 4;

    // The batch that is trained on, and two that are read ahead.
    private const int CopiesOfBatch = 3;

    private const double ShareOfMemory = 0.8;

    /// <summary>All dictionaries, those that read the same sites next to each other.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="available">The sites of the data, from which layers are taken where the suite names none.</param>
    /// <exception cref="GemmaScopeException">A site is unknown, no layer is named or found, or a configuration contradicts
    /// itself.</exception>
    public static IReadOnlyList<SweepItem> Items(SweepConfiguration suite, IReadOnlyList<Site>? available)
    {
        var items = new List<SweepItem>();
        foreach (var kind in suite.Grid.Kinds)
        foreach (var site in kind is DictionaryKind.Sae or DictionaryKind.Crosscoder ? suite.Grid.Sites : suite.Grid.Inputs)
        foreach (var sites in SitesOf(kind, site, suite.Grid, available))
            items.AddRange(Variants(suite, kind, sites));
        var same = items.GroupBy(item => item.Name).FirstOrDefault(group => group.Count() > 1);
        return same is null ? items : throw new ArgumentProblemException($"names the same dictionary twice: {same.Key}", "grid");
    }

    /// <summary>Fills groups one after another, as many dictionaries in each as memory holds.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="items">Its dictionaries.</param>
    /// <param name="width">Numbers in a row of a site.</param>
    public static IReadOnlyList<SweepGroup> Groups(SweepConfiguration suite, IReadOnlyList<SweepItem> items, Func<Site, int> width)
    {
        var memory = suite.MemoryGib is { } gib ? gib * (1L << 30) : ShareOfMemory * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var (groups, current) = (new List<SweepGroup>(), new List<SweepItem>());
        foreach (var item in items)
        {
            if (current.Count > 0 && Bytes([.. current, item], width) > memory)
                Close();
            current.Add(item);
        }
        Close();
        return groups;

        void Close()
        {
            if (current.Count > 0)
                groups.Add(new($"group_{Hash(current)}", [.. current], Bytes(current, width)));
            current.Clear();
        }
    }

    /// <summary>Memory that training some dictionaries together takes.</summary>
    public static long Bytes(IReadOnlyList<SweepItem> items, Func<Site, int> width)
    {
        var rows = items.SelectMany(item => item.Configuration.AllSites).Distinct().Sum(site => (long)width(site)) * CopiesOfBatch;
        long parameters = 0;
        foreach (var shape in items.Select(item => item.Configuration.Shape(width)))
        {
            parameters += shape.Blocks.Sum(block => (long)block.Features * (block.InputWidth + block.OutputWidth));
            // What a step keeps of each row: inputs, targets, reconstruction, error.
            rows += 2L * (shape.InputWidth + shape.OutputWidth);
        }
        return (parameters * CopiesOfParameters + rows * items[0].Configuration.Batch) * sizeof(float);
    }

    private static IEnumerable<SweepItem> Variants(SweepConfiguration suite, DictionaryKind kind, IReadOnlyList<Site> sites)
    {
        foreach (var width in OrBase(suite.Grid.Widths, suite.Base.Width))
        foreach (var (word, recipe) in Recipes(suite))
        foreach (var seed in OrBase([.. suite.Grid.Seeds.Select(value => (long)value)], suite.Base.Seed))
        {
            var place =
                sites.Count == 1
                    ? sites[0].ToString()
                    : $"{sites[0].ToString().Split('.')[0]}.{string.Join('_', sites.Select(site => site.Layer))}";
            var name = string.Create(CultureInfo.InvariantCulture, $"{Word(kind)}-{place}-{width}{word}-seed{seed}");
            var configuration = suite.Base with
            {
                Kind = kind,
                Sites = sites,
                Width = width,
                Recipe = recipe,
                Seed = seed,
                Output = Path.Combine(suite.Output, RunsFolder, name),
            };
            configuration.Check(name);
            yield return new(name, configuration);
        }
    }

    private static IEnumerable<(string Word, Recipe Recipe)> Recipes(SweepConfiguration suite)
    {
        var (grid, recipe) = (suite.Grid, suite.Base.Recipe);
        if (grid.Lambdas.Count + grid.TargetL0.Count + grid.K.Count == 0)
            yield return ("", recipe);
        foreach (var lambda in grid.Lambdas)
            yield return (string.Create(CultureInfo.InvariantCulture, $"-lambda{lambda}"), recipe with { Lambda = lambda });
        foreach (var target in grid.TargetL0)
            yield return (
                string.Create(CultureInfo.InvariantCulture, $"-l0_{target}"),
                recipe with
                {
                    Sparsity = SparsityTerm.L0Target,
                    L0Target = target,
                }
            );
        foreach (var k in grid.K)
            yield return ($"-k{k}", recipe with { K = k });
    }

    private static IEnumerable<IReadOnlyList<Site>> SitesOf(
        DictionaryKind kind,
        string name,
        GridSettings grid,
        IReadOnlyList<Site>? available
    )
    {
        if (!Site.TryParse($"{name}.0", out var parsed))
            throw new ArgumentProblemException(
                $"'{name}' is no site of a layer, e.g. resid_post",
                kind is DictionaryKind.Sae or DictionaryKind.Crosscoder ? "grid.sites" : "grid.inputs"
            );
        Site[] sites =
            grid.Layers.Count > 0
                ? [.. grid.Layers.Select(layer => new Site(parsed.Kind, layer))]
                : [.. (available ?? []).Where(site => site.Kind == parsed.Kind)];
        if (sites.Length == 0)
            throw new ArgumentProblemException(
                available is null ? "name the layers; only a store says which there are" : $"the store has no {name}",
                "grid.layers"
            );
        return kind is DictionaryKind.Crosscoder or DictionaryKind.CrossLayerTranscoder
            ? [sites]
            : sites.Select(site => (IReadOnlyList<Site>)[site]);
    }

    private static IEnumerable<T> OrBase<T>(IReadOnlyList<T> values, T standard) => values.Count > 0 ? values : [standard];

    private static string Word(DictionaryKind kind) => Files.Settings.Word(kind);

    private static string Hash(IEnumerable<SweepItem> items) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', items.Select(item => item.Name)))).AsSpan(0, 5));
}
