using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

/// <summary>Cross-layer transcoders in circuit-tracer's form, made here of whole numbers.</summary>
public sealed class CircuitTracerTests : IDisposable
{
    private const int Layers = 3,
        Model = 4;
    private static readonly int[] Widths = [7, 5, 6];

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, Tensor> _tensors = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void features_write_from_their_own_layer_on(bool threshold)
    {
        using var dictionary = SparseDictionary.Load(Write(threshold));
        using var x = SampleDictionaries.Integers(new Random(5), 3, 6, Layers * Model);
        var features = dictionary.Encode(x.AsMatrix());
        using var decoded = dictionary.Decode(features);
        Assert.True(features.Count > 20);
        for (var row = 0; row < 6; row++)
        {
            var want = Expected(x.Row(row), threshold, out var active);
            Assert.Equal(active, features.Indices(row).ToArray());
            Assert.Equal(want, decoded.Row(row).ToArray());
        }
    }

    [Fact]
    public void they_read_the_residual_before_the_norm_and_write_mlp_outputs()
    {
        using var dictionary = SparseDictionary.Load(Write(threshold: true));
        Assert.Equal([Site.ResidMid(0), Site.ResidMid(1), Site.ResidMid(2)], dictionary.InputSites);
        Assert.Equal([Site.MlpOut(0), Site.MlpOut(1), Site.MlpOut(2)], dictionary.OutputSites);
        Assert.Equal(
            (DictionaryKind.CrossLayerTranscoder, ActivationFunction.JumpRelu, "circuit-tracer", Widths.Sum()),
            (dictionary.Kind, dictionary.Activation, dictionary.Family, dictionary.Width)
        );
        using var byFile = SparseDictionary.Load(Path.Combine(_folder.Path, "clt", "W_dec_1.safetensors"));
        Assert.Equal(dictionary.Width, byFile.Width);
    }

    [Fact]
    public void a_release_in_the_hubs_cache_is_known_by_its_repository()
    {
        using var dictionary = SparseDictionary.Load(
            Write(threshold: true, Path.Combine("models--mntss--clt-gemma-2-2b-426k", "snapshots", "0123"))
        );
        Assert.Equal(
            ("gemma-2-2b", "426k", "clt-gemma-2-2b-426k"),
            (dictionary.Origin.Model, dictionary.Origin.WidthLabel, dictionary.Name)
        );
    }

    [Fact]
    public void in_the_form_of_gemma_scope_2_it_does_the_same()
    {
        using var source = SparseDictionary.Load(Write(threshold: true));
        DictionaryWriter.Write(source, _folder.File("two"), DictionaryForm.Scope2);
        using var written = SparseDictionary.Load(_folder.File("two"));
        Assert.Equal(source.InputSites, written.InputSites);
        using var x = SampleDictionaries.Integers(new Random(6), 3, 5, Layers * Model);
        using Tensor want = source.Decode(source.Encode(x.AsMatrix())),
            got = written.Decode(written.Encode(x.AsMatrix()));
        Assert.Equal(want.AsSpan().ToArray(), got.AsSpan().ToArray());
    }

    [Fact]
    public void a_missing_part_is_named()
    {
        var folder = Write(threshold: true);
        File.Delete(Path.Combine(folder, "W_dec_1.safetensors"));
        Assert.Contains("W_dec_1.safetensors is missing", Assert.Throws<FileFormatException>(() => SparseDictionary.Load(folder)).Message);
        File.Delete(Path.Combine(folder, "W_enc_1.safetensors"));
        Assert.Contains("W_enc_1.safetensors is missing", Assert.Throws<FileFormatException>(() => SparseDictionary.Load(folder)).Message);
    }

    [Fact]
    public void decoders_of_another_number_of_layers_and_skip_connections_are_refused()
    {
        var folder = Write(threshold: true);
        using var wrong = Tensor.Zeros(Widths[1], Layers, Model);
        SafetensorsWriter.Write(
            Path.Combine(folder, "W_dec_1.safetensors"),
            new Dictionary<string, Tensor> { ["W_dec_1"] = wrong },
            overwrite: true
        );
        Assert.Contains("expected [5, 2, 4]", Assert.Throws<FileFormatException>(() => SparseDictionary.Load(folder)).Message);
        using var skip = Tensor.Zeros(Model, Model);
        _tensors["W_skip_2"] = skip;
        Assert.Contains(
            "W_skip_2",
            Assert.Throws<FileFormatException>(() => SparseDictionary.Load(Write(threshold: true, "again"))).Message
        );
    }

    [Fact]
    public void damaged_files_are_loaded_or_refused()
    {
        var folder = Write(threshold: true);
        var files = Directory.GetFiles(folder).Order().ToArray();
        Prop.ForAll<uint, uint, byte>(
                (which, place, value) =>
                {
                    var file = files[which % files.Length];
                    var whole = File.ReadAllBytes(file);
                    var damaged = (byte[])whole.Clone();
                    damaged[place % whole.Length] ^= (byte)(value | 1);
                    File.WriteAllBytes(file, value % 8 == 0 ? damaged[..(int)(place % whole.Length)] : damaged);
                    try
                    {
                        using var dictionary = SparseDictionary.Load(folder);
                    }
                    catch (GemmaScopeException)
                    {
                        // Refused, and said so.
                    }
                    File.WriteAllBytes(file, whole);
                }
            )
            .QuickCheckThrowOnFailure();
    }

    private string Write(bool threshold, string name = "clt")
    {
        var random = new Random(4);
        var folder = Directory.CreateDirectory(_folder.File(name)).FullName;
        for (var i = 0; i < Layers; i++)
        {
            Dictionary<string, Tensor> encoder = new()
            {
                [$"W_enc_{i}"] = SampleDictionaries.Integers(random, 3, Widths[i], Model),
                [$"b_enc_{i}"] = SampleDictionaries.Integers(random, 2, Widths[i]),
                [$"b_dec_{i}"] = SampleDictionaries.Integers(random, 2, Model),
            };
            var cut = SampleDictionaries.Integers(random, 2, Widths[i]);
            foreach (ref var value in cut.AsSpan())
                value = Math.Abs(value);
            if (threshold)
                encoder[$"threshold_{i}"] = cut;
            if (_tensors.TryGetValue($"W_skip_{i}", out var skip))
                encoder[$"W_skip_{i}"] = skip;
            var decoder = SampleDictionaries.Integers(random, 3, Widths[i], Layers - i, Model);
            SafetensorsWriter.Write(Path.Combine(folder, $"W_enc_{i}.safetensors"), encoder);
            SafetensorsWriter.Write(
                Path.Combine(folder, $"W_dec_{i}.safetensors"),
                new Dictionary<string, Tensor> { [$"W_dec_{i}"] = decoder }
            );
            foreach (var (key, tensor) in encoder)
                _tensors[key] = tensor;
            _tensors[$"W_dec_{i}"] = decoder;
        }
        return folder;
    }

    /// <summary>The definition of METHODS §4.4, in loops.</summary>
    private float[] Expected(ReadOnlySpan<float> x, bool threshold, out int[] active)
    {
        var (y, found, start) = (new float[Layers * Model], new List<int>(), 0);
        for (var t = 0; t < Layers; t++)
            _tensors[$"b_dec_{t}"].AsSpan().CopyTo(y.AsSpan(t * Model));
        for (var l = 0; l < Layers; start += Widths[l++])
        {
            for (var i = 0; i < Widths[l]; i++)
            {
                var z = _tensors[$"b_enc_{l}"].AsSpan()[i];
                for (var d = 0; d < Model; d++)
                    z += x[l * Model + d] * _tensors[$"W_enc_{l}"].Row(i)[d];
                if (!(z > (threshold ? _tensors[$"threshold_{l}"].AsSpan()[i] : 0)))
                    continue;
                found.Add(start + i);
                for (var t = l; t < Layers; t++)
                for (var d = 0; d < Model; d++)
                    y[t * Model + d] += z * _tensors[$"W_dec_{l}"].AsSpan()[(i * (Layers - l) + t - l) * Model + d];
            }
        }
        active = [.. found];
        return y;
    }
}
