using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features.Statistics;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>One dictionary of a folder of feature statistics.</summary>
internal sealed class FeatureCase : IDisposable
{
    public FeatureCase(FeatureHost host, JsonSection json)
    {
        Json = json;
        Name = json.Text("name") ?? throw json.Missing("name");
        var site = new Site(
            Site.Parse($"{json.Text("site") ?? throw json.Missing("site")}.0").Kind,
            json.Integer("layer") ?? throw json.Missing("layer")
        );
        Dictionary = SparseDictionary.Load(
            Path.Combine(host.Folder, json.Text("path") ?? throw json.Missing("path")),
            new DictionaryLoadOptions { CheckWeights = true }
        );
        SiteIsRight = Dictionary.InputSites.SequenceEqual([site]);
        Golden = SafetensorsFile.Open(Path.Combine(host.Folder, "statistics", $"{Name}.safetensors"));
        Store.Add(
            new ActivationSegment(
                host.Tokens,
                host.Starts,
                host.Mask,
                [(Golden["activations.indptr"], Golden["activations.indices"], Golden["activations.values"])],
                null
            )
        );
        X = host.Run(site);
        Neurons = new NeuronSums(Dictionary.Width, Dictionary.InputWidth);
        Neurons.Add(X.AsMatrix(), Activations, host.Counted);
    }

    public string Name { get; }

    public JsonSection Json { get; }

    public SparseDictionary Dictionary { get; }

    public SafetensorsFile Golden { get; }

    /// <summary>Whether the dictionary reads the site the fixture says.</summary>
    public bool SiteIsRight { get; }

    /// <summary>The golden activations as a corpus.</summary>
    public ActivationSegments Store { get; } = new();

    /// <summary>The golden activations.</summary>
    public SparseActivations Activations =>
        new(
            Dictionary.Width,
            Verification.Golden.Integers(Golden, "activations.indptr").ToArray(),
            Verification.Golden.Integers(Golden, "activations.indices").ToArray(),
            Golden["activations.values"].AsSpan().ToArray()
        );

    /// <summary>Our own input of the dictionary, [positions, inputs].</summary>
    public Tensor X { get; }

    /// <summary>Of our own inputs with the golden activations.</summary>
    public NeuronSums Neurons { get; }

    /// <summary>The dashboards from the golden activations; <see cref="FeatureStatisticsChecks"/> makes them.</summary>
    public FeatureDashboard[] Dashboards { get; set; } = [];

    public void Dispose()
    {
        Dictionary.Dispose();
        Golden.Dispose();
        X.Dispose();
        Neurons.Dispose();
    }
}

/// <summary>A folder of feature statistics: the host, its corpus and its dictionaries.</summary>
internal sealed class FeatureHost : IDisposable
{
    private const int BatchSequences = 32;

    private readonly SafetensorsFile _corpus;

    public FeatureHost(string folder)
    {
        (Folder, Expected) = (folder, JsonFile.Read(Path.Combine(folder, "expected.json")));
        _corpus = SafetensorsFile.Open(Path.Combine(folder, "corpus.safetensors"));
        Sites = SafetensorsFile.Open(Path.Combine(folder, "sites.safetensors"));
        Texts = SafetensorsFile.Open(Path.Combine(folder, "texts.safetensors"));
        Model = GemmaModel.Load(Path.Combine(folder, "host"));
        Length = (int)_corpus["tokens"].Shape[1];
        Sequences = [.. Golden.Integers(_corpus, "tokens").ToArray().Chunk(Length)];
        Special = [.. Expected.Integers("masked_token_ids") ?? throw Expected.Missing("masked_token_ids")];
        (Tokens, Mask) = (_corpus["tokens"].Reshape(_corpus["tokens"].Length), _corpus["mask"].Reshape(_corpus["mask"].Length));
        Starts = Tensor.Allocate(DType.I32, [Sequences.Length + 1]);
        unsafe
        {
            for (var i = 0; i <= Sequences.Length; i++)
                ((int*)Starts.Pointer)[i] = i * Length;
        }
        Counted = EvaluationBatch.WithSpecialIds(Sequences, Special, null).Counted;
        Cases = [.. Expected.Objects("dictionaries").Select(json => new FeatureCase(this, json))];
        Vocabulary = JsonSerializer.Deserialize<string[]>(File.ReadAllText(Path.Combine(folder, "vocabulary.json"))) ?? [];
        TextIds = JsonSerializer.Deserialize<int[][]>(Expected.Element.GetProperty("texts").GetRawText()) ?? [];
    }

    public string Folder { get; }

    public JsonSection Expected { get; }

    public GemmaModel Model { get; }

    public SafetensorsFile Sites { get; }

    public SafetensorsFile Texts { get; }

    public int[][] Sequences { get; }

    public int Length { get; }

    public HashSet<int> Special { get; }

    public Tensor Tokens { get; }

    public Tensor Starts { get; }

    public Tensor Mask { get; }

    /// <summary>By our own rule: masked ids count nowhere.</summary>
    public bool[] Counted { get; }

    public FeatureCase[] Cases { get; }

    public string[] Vocabulary { get; }

    public int[][] TextIds { get; }

    /// <summary>Tensors of the texts that were compared.</summary>
    public HashSet<string> TextsChecked { get; } = [];

    public Check CheckMask() =>
        Check.That(
            "mask",
            Counted.SequenceEqual(Golden.Flags(_corpus, "mask"))
                && Counted.Count(counts => counts) == Expected.Integer("unmasked_positions")
        );

    public Check CheckAllTexts()
    {
        var unknown = Texts.Tensors.Keys.Except(TextsChecked).ToArray();
        return Check.That(
            "texts",
            unknown.Length == 0,
            unknown.Length == 0 ? $"{TextsChecked.Count} tensors compared" : $"not known: {string.Join(", ", unknown.Take(5))}"
        );
    }

    /// <summary>Activations of the whole corpus at a site.</summary>
    public Tensor Run(Site site)
    {
        var all = Tensor.Uninitialized((long)Sequences.Length * Length, Model.Config.SiteWidth(site));
        for (var first = 0; first < Sequences.Length; first += BatchSequences)
        {
            using var run = Model.Run(
                Sequences[first..Math.Min(first + BatchSequences, Sequences.Length)],
                capture: [site],
                arithmetic: Arithmetic.Exact
            );
            run[site].AsSpan().CopyTo(all.AsSpan()[(first * Length * all.Columns)..]);
        }
        return all;
    }

    public void Dispose()
    {
        foreach (var one in Cases)
            one.Dispose();
        Model.Dispose();
        _corpus.Dispose();
        Sites.Dispose();
        Texts.Dispose();
    }
}
