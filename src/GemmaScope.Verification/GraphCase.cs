using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>One folder of a golden graph: the golden values, and the same computed here from model and transcoders.</summary>
internal sealed class GraphCase : IDisposable
{
    private readonly string _root,
        _folder;
    private readonly HashSet<string> _read = ["input_ids"];

    public GraphCase(string root, string folder)
    {
        (_root, _folder) = (root, folder);
        Expected = JsonFile.Read(Path.Combine(folder, "expected.json"));
        Tensors = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        try
        {
            Host = GemmaModel.Load(Path.Combine(root, Text("model")));
            Set = Transcoders();
            Model = ReplacementModel.Of(Host, Set, [.. Golden.Integers(Tensors, "input_ids")], Integer(Expected, "zero_positions"));
            Graph = AttributionGraph.Compute(Model, CircuitTarget.TopLogits(Model));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name => Path.GetFileName(_folder);

    public JsonSection Expected { get; }

    public SafetensorsFile Tensors { get; }

    public GemmaModel Host { get; }

    public TranscoderSet Set { get; }

    public ReplacementModel Model { get; }

    public AttributionGraph Graph { get; }

    /// <summary>A file of the folder.</summary>
    public string File(string name) => Path.Combine(_folder, name);

    public string Text(string key) => Expected.Text(key) ?? throw Expected.Missing(key);

    public static int Integer(JsonSection section, string key) => section.Integer(key) ?? throw section.Missing(key);

    public static double Number(JsonSection section, string key) => section.Number(key) ?? throw section.Missing(key);

    /// <summary>A U8, I32, F32 or F64 tensor of the folder as numbers.</summary>
    public double[] Numbers(string name)
    {
        _read.Add(name);
        return Numbers(Tensors, name);
    }

    /// <summary>An I32 or U8 tensor of the folder.</summary>
    public int[] Integers(string name) => Array.ConvertAll(Numbers(name), number => (int)number);

    /// <summary>Whether every golden tensor was compared.</summary>
    public Check AllCompared => Unknown(Tensors, _read, "expected");

    public static unsafe double[] Numbers(SafetensorsFile file, string name)
    {
        var tensor = file[name];
        var numbers = new double[tensor.Length];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = tensor.Type switch
            {
                DType.F64 => ((double*)tensor.Pointer)[i],
                DType.F32 => tensor.Floats[i],
                DType.I32 => ((int*)tensor.Pointer)[i],
                DType.U8 => tensor.Pointer[i],
                _ => throw new FileFormatException($"the tensor '{name}' has type {tensor.Type}", file.Path),
            };
        return numbers;
    }

    /// <summary>Largest |got − want|: the tolerances of the folder are absolute.</summary>
    public static Check Close(string name, IReadOnlyList<double> got, IReadOnlyList<double> want, double tolerance)
    {
        if (got.Count != want.Count)
            return Check.That(name, false, $"{got.Count} values instead of {want.Count}");
        double worst = 0;
        // Written so that a NaN on either side becomes the error.
        for (var i = 0; i < got.Count; i++)
            if (Math.Abs(got[i] - want[i]) is var difference && !(difference <= worst))
                worst = difference;
        return Check.Within(name, worst, tolerance, $"{want.Count} values");
    }

    /// <summary>Golden tensors that nothing was compared with.</summary>
    public static Check Unknown(SafetensorsFile file, IReadOnlySet<string> compared, string name)
    {
        var unknown = file.Tensors.Keys.Except(compared).Order(StringComparer.Ordinal).ToArray();
        return Check.That(
            $"{name}: tensors",
            unknown.Length == 0,
            unknown.Length == 0 ? $"{compared.Count} compared" : $"not known: {string.Join(", ", unknown.Take(5))}"
        );
    }

    /// <summary>Two lists that must be equal.</summary>
    public static Check Same(string name, IEnumerable<int> got, IEnumerable<int> want)
    {
        var tally = new Tally(name);
        tally.CompareAll("", [.. got], [.. want]);
        return tally.ToCheck();
    }

    /// <summary>Numbers of a view.</summary>
    public static double[] Numbers(ReadOnlySpan<float> values)
    {
        var numbers = new double[values.Length];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = values[i];
        return numbers;
    }

    public void Dispose()
    {
        Graph?.Dispose();
        Model?.Dispose();
        Set?.Dispose();
        Host?.Dispose();
        Tensors.Dispose();
    }

    /// <summary>The files that the manifest lists, read at the site it names.</summary>
    private TranscoderSet Transcoders()
    {
        var (manifest, name) = (JsonFile.Read(Path.Combine(_root, "manifest.json")), Text("dictionary"));
        var listed = manifest.Section("dictionaries")?.Section(name) ?? throw manifest.Missing($"dictionaries.{name}");
        var files = listed.Texts("files") ?? throw listed.Missing("files");
        var cross = listed.Text("type") == "cross_layer";
        var kind = Site.Parse($"{(Text("input_site") == "ln2_bare" ? "ln2_normalized" : Text("input_site"))}.0").Kind;
        var loaded = new List<SparseDictionary>();
        try
        {
            foreach (var file in cross ? [Path.GetDirectoryName(files[0])!] : files)
                loaded.Add(
                    SparseDictionary.Load(
                        Path.Combine(_root, file),
                        cross ? new() : new() { Site = new Site(kind, loaded.Count), OutputSite = Site.MlpOut(loaded.Count) }
                    )
                );
            return TranscoderSet.Of(loaded, Host.Config);
        }
        catch
        {
            loaded.ForEach(one => one.Dispose());
            throw;
        }
    }
}
