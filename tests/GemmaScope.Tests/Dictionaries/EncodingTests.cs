using GemmaScope.Dictionaries;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public class EncodingTests
{
    [Theory]
    [InlineData(1, 7)]
    [InlineData(3, 100)]
    // More rows than are encoded together, and more features than fit into one block of the scratch.
    [InlineData(1030, 4200)]
    public void streamed_blocks_find_what_the_formula_finds(int rows, int width)
    {
        const int model = 3;
        var parameters = SampleDictionaries.Parameters(model, width, seed: rows);
        using var dictionary = parameters.ToDictionary("sample");
        using var x = SampleDictionaries.Integers(new Random(5), 4, rows, model);

        var features = dictionary.Encode(x.AsMatrix());

        Assert.Equal((rows, width), (features.Rows, features.Width));
        foreach (var row in (int[])[0, rows / 2, Math.Max(0, rows - 7), rows - 1])
        {
            var want = Formula(parameters, x.Row(row)).ToArray();
            Assert.Equal(want.Select(pair => pair.Feature), features.Indices(row).ToArray());
            Assert.Equal(want.Select(pair => pair.Value), features.Values(row).ToArray());
            Assert.Equal(want.Count(pair => pair.Value > 0), features.L0(row));
        }
    }

    [Fact]
    public void sparse_decoding_equals_the_dense_product()
    {
        var parameters = SampleDictionaries.Parameters(5, 60, seed: 2);
        using var dictionary = parameters.ToDictionary("sample");
        using var x = SampleDictionaries.Integers(new Random(6), 4, 9, 5);
        var features = dictionary.Encode(x.AsMatrix());
        using var decoded = dictionary.Decode(features);
        var vector = new float[5];
        for (var row = 0; row < 9; row++)
        {
            var want = (float[])parameters.DecoderBias.Clone();
            for (var feature = 0; feature < 60; feature++)
            {
                dictionary.Decoder(feature, vector);
                for (var d = 0; d < 5; d++)
                    want[d] += features.Value(row, feature) * vector[d];
            }
            Assert.Equal(want, decoded.Row(row).ToArray());
        }
    }

    [Fact]
    public void features_of_an_input_that_is_not_a_number_stay_silent()
    {
        using var dictionary = SampleDictionaries.Parameters(2, 9, seed: 3).ToDictionary("sample");
        using var x = Tensor.From([float.NaN, 1, 2, 3], 2, 2);
        Assert.Equal(0, dictionary.Encode(x.AsMatrix()).Indices(0).Length);
    }

    [Fact]
    public void no_rows_have_no_features()
    {
        using var dictionary = SampleDictionaries.Parameters(2, 9, seed: 3).ToDictionary("sample");
        using var x = Tensor.Zeros(1, 2);
        Assert.Equal(0, dictionary.Encode(x.AsMatrix().SliceRows(0, 0)).Rows);
    }

    [Fact]
    public void encoding_can_be_cancelled()
    {
        using var dictionary = SampleDictionaries.Parameters(2, 9, seed: 3).ToDictionary("sample");
        using var x = Tensor.Zeros(1, 2);
        Assert.Throws<OperationCanceledException>(() => dictionary.Encode(x.AsMatrix(), new CancellationToken(canceled: true)));
    }

    [Fact]
    public void wrong_widths_rows_and_features_are_named()
    {
        using var dictionary = SampleDictionaries.Parameters(2, 9, seed: 3).ToDictionary("sample");
        using var x = Tensor.Zeros(4, 3);
        Assert.Contains("3 columns", Assert.Throws<ArgumentProblemException>(() => dictionary.Encode(x.AsMatrix())).Message);
        var other = new SparseActivations(5, [0, 0], [], []);
        Assert.Contains("5 columns", Assert.Throws<ArgumentProblemException>(() => dictionary.Decode(other)).Message);
        Assert.Contains("9", Assert.Throws<ArgumentProblemException>(() => dictionary.Decoder(9, new float[2])).Message);
        var unknown = Assert.Throws<ArgumentProblemException>(() => dictionary.InputSite);
        Assert.Contains(unknown.Remedy!.Settings, setting => setting.Name == "Site");
    }

    [Fact]
    public void a_skip_connection_needs_the_input_to_decode()
    {
        using var dictionary = SparseDictionary.Load(Fixtures.Path("dictionaries", "sae_lens", "skip_transcoder"));
        Assert.True(dictionary.DecodesWithInput);
        var none = new SparseActivations(dictionary.Width, [0, 0], [], []);
        Assert.Contains("input", Assert.Throws<ArgumentProblemException>(() => dictionary.Decode(none)).Message);
    }

    [Fact]
    public void a_multi_layer_decoder_vector_is_silent_towards_earlier_layers()
    {
        using var dictionary = (MultiLayerDictionary)
            SparseDictionary.Load(Fixtures.Path("dictionaries", "gemma_scope_2", "gemma-scope-2-1b-pt", "clt", "width_262k_l0_medium"));
        var vector = new float[dictionary.OutputWidth];
        var model = dictionary.OutputWidth / dictionary.OutputSites.Count;
        for (var block = 0; block + 1 < dictionary.BlockStarts.Count; block++)
        {
            dictionary.Decoder(dictionary.BlockStarts[block], vector);
            Assert.Equal(block, dictionary.BlockOf(dictionary.BlockStarts[block]));
            Assert.All(vector[..(block * model)], value => Assert.Equal(0, value));
            Assert.All(vector[(block * model)..], value => Assert.InRange(Math.Abs(value), 0, 10));
            Assert.Contains(vector, value => value != 0);
        }
    }

    private static List<FeatureActivation> Formula(DictionaryParameters parameters, Span<float> x)
    {
        var found = new List<FeatureActivation>();
        for (var i = 0; i < parameters.Width; i++)
        {
            var z = parameters.EncoderBias![i];
            for (var d = 0; d < x.Length; d++)
                z += x[d] * parameters.Encoder.Row(d)[i];
            if (z > parameters.Threshold![i] && z != 0)
                found.Add(new FeatureActivation(i, z));
        }
        return found;
    }
}
