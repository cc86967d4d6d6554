using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>A folder on lenses: its model, what is expected, and which arrays were compared.</summary>
internal sealed class LensHost : IDisposable
{
    /// <summary>J relative to its largest entry, logits to the larger of that and 1, losses relative.</summary>
    public const double Matrices = 1e-4,
        Logits = 1e-4,
        Losses = 1e-5;

    private readonly HashSet<string> _compared = new(StringComparer.Ordinal);

    public LensHost(string folder)
    {
        Expected = JsonFile.Read(Path.Combine(folder, "expected.json"));
        Layers = [.. Expected.Integers("layers") ?? throw Expected.Missing("layers")];
        Golden = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        Model = GemmaModel.Load(FindModel(folder, Expected.Text("model") ?? throw Expected.Missing("model")));
    }

    public JsonSection Expected { get; }

    public SafetensorsFile Golden { get; }

    public GemmaModel Model { get; }

    public int[] Layers { get; }

    /// <summary>Arrays that no check has asked for.</summary>
    public IEnumerable<string> Uncompared => Golden.Tensors.Keys.Where(name => !_compared.Contains(name)).Order(StringComparer.Ordinal);

    public bool Has(string name) => Golden.Tensors.ContainsKey(name);

    public float[] Values(string name)
    {
        _compared.Add(name);
        return [.. EvaluationPartVerifier.F32(Golden, name).AsSpan()];
    }

    public int[] Integers(string name)
    {
        _compared.Add(name);
        return [.. Verification.Golden.Integers(Golden, name)];
    }

    /// <summary>Matrices relative to their largest entry.</summary>
    public Check Matrix(string name, ReadOnlySpan<float> got) => Check.Within(name, Verification.Golden.Error(got, Values(name)), Matrices);

    public int[][] Prompts(string key) => Expected.Element.GetProperty(key).Deserialize<int[][]>() ?? throw Expected.Missing(key);

    public int[] Ids(string key) => [.. Expected.Integers(key) ?? throw Expected.Missing(key)];

    /// <summary>The golden lens.</summary>
    public JacobianLens Lens(bool rounded = false) =>
        new(
            Layers.Select(layer =>
            {
                var values = Values($"J.mean.{layer}");
                if (rounded)
                    values = Array.ConvertAll(values, value => (float)(Half)value);
                return KeyValuePair.Create(layer, Tensor.From(values, Model.Config.Width, Model.Config.Width));
            }),
            new()
        );

    public void Dispose()
    {
        Model.Dispose();
        Golden.Dispose();
    }

    /// <summary>Largest |a − b| against the largest |b|.</summary>
    public static double Apart(ReadOnlySpan<float> a, ReadOnlySpan<float> b) => Verification.Golden.Error(a, b);

    /// <summary>Largest |a − b|.</summary>
    public static double Largest(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double largest = 0;
        for (var i = 0; i < a.Length; i++)
            largest = Math.Abs((double)a[i] - b[i]) is var error && error <= largest ? largest : error;
        return largest;
    }

    /// <summary>The host models lie beside the folder or above it.</summary>
    private static string FindModel(string folder, string name)
    {
        for (var above = new DirectoryInfo(Path.GetFullPath(folder)); above is not null; above = above.Parent)
            if (Path.Combine(above.FullName, "host", name) is var model && Directory.Exists(model))
                return model;
        throw new FileFormatException($"needs the model host/{name} in a folder above it", folder);
    }
}
