using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public sealed class DictionaryWriterTests : IDisposable
{
    private const double Tolerance = 1e-5;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, DictionaryForm> All =>
        [
            .. Cases.SelectMany(one =>
                Enum.GetValues<DictionaryForm>().Select(form => new TheoryDataRow<string, DictionaryForm>(one.Text("name")!, form))
            ),
        ];

    private static IReadOnlyList<JsonSection> Cases => JsonFile.ReadList(Fixtures.Path("dictionaries", "cases.json"));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(All))]
    public void a_dictionary_in_another_form_does_the_same_or_is_refused(string name, DictionaryForm form)
    {
        using var golden = SafetensorsFile.Open(Fixtures.Path("dictionaries", "golden", name + ".safetensors"));
        using var source = Load(name);
        var target = _folder.File("target");
        if (Obstacle(name, form) is { } reason)
        {
            Assert.Contains(reason, Assert.Throws<ArgumentProblemException>(() => DictionaryWriter.Write(source, target, form)).Message);
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
            return;
        }
        DictionaryWriter.Write(source, target, form);
        using var written = SparseDictionary.Load(target);
        AreAlike(source, written, golden);
        Assert.Equal(source.K, written.K);
        if (form == DictionaryForm.Scope1 || !source.HasSites)
            return;
        Assert.Equal(source.InputSites, written.InputSites);
        Assert.Equal(source.OutputSites, written.OutputSites);
        Assert.Equal((source.Kind, source.Origin.Model), (written.Kind, written.Origin.Model));
        Assert.Empty(written.Warnings);
    }

    [Theory]
    [InlineData("gs1_res", DictionaryForm.Scope1)]
    [InlineData("gs2_transcoder_affine", DictionaryForm.Scope2)]
    [InlineData("gs2_clt_affine", DictionaryForm.Scope2)]
    [InlineData("gs2_crosscoder", DictionaryForm.Scope2)]
    [InlineData("saelens_gated", DictionaryForm.SaeLens)]
    [InlineData("saelens_standard_expected_average", DictionaryForm.Scope2)]
    [InlineData("saelens_standard_layer_norm", DictionaryForm.SaeLens)]
    public void folding_the_norms_of_the_decoder_scales_activations_and_nothing_else(string name, DictionaryForm form)
    {
        using var golden = SafetensorsFile.Open(Fixtures.Path("dictionaries", "golden", name + ".safetensors"));
        using var source = Load(name);
        DictionaryWriter.Write(source, _folder.File("target"), form, new() { FoldDecoderNorm = true });
        using var folded = SparseDictionary.Load(_folder.File("target"));
        var (before, after) = (new float[source.OutputWidth], new float[source.OutputWidth]);
        for (var i = 0; i < source.Width; i++)
        {
            source.Decoder(i, before);
            folded.Decoder(i, after);
            Assert.Equal(1, Norm(after), Tolerance);
            AreNear([.. before.Select(value => value / (float)Norm(before))], after);
        }
        AreAlike(
            source,
            folded,
            golden,
            (feature, value) =>
            {
                source.Decoder(feature, before);
                return (float)(value * Norm(before));
            }
        );
    }

    [Fact]
    public void folding_that_would_change_the_choice_of_the_k_largest_is_refused()
    {
        using var plain = Load("saelens_topk");
        Assert.Contains(
            "k largest",
            Assert
                .Throws<ArgumentProblemException>(() =>
                    DictionaryWriter.Write(plain, _folder.File("a"), DictionaryForm.SaeLens, new() { FoldDecoderNorm = true })
                )
                .Message
        );
        using var rescaled = Load("saelens_topk_rescaled");
        DictionaryWriter.Write(rescaled, _folder.File("b"), DictionaryForm.SaeLens, new() { FoldDecoderNorm = true });
    }

    [Theory]
    [InlineData("embedding/width_4k/average_l0_6")]
    [InlineData("elsewhere")]
    public void the_scale_of_an_embedding_dictionary_is_applied_once(string path)
    {
        const int model = 16;
        using var source = SparseDictionary.Load(
            SampleDictionaries.WriteScopeOne(_folder.Path, "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", model, 24)
        );
        var target = Path.Combine(_folder.Path, "gemma-scope-2b-pt-res-copy", path);
        DictionaryWriter.Write(source, target, DictionaryForm.Scope1);
        using var written = SparseDictionary.Load(target);
        using var x = SampleDictionaries.Integers(new Random(2), 20, 8, model);
        var features = source.Encode(x.AsMatrix());
        using Tensor want = source.Decode(features),
            got = written.Decode(written.Encode(x.AsMatrix()));
        AreNear(want.AsSpan(), got.AsSpan());
    }

    [Fact]
    public void a_path_that_means_another_site_is_refused()
    {
        using var source = Load("gs1_res");
        var error = Assert.Throws<ArgumentProblemException>(() =>
            DictionaryWriter.Write(source, _folder.File("gemma-scope-2b-pt-att/layer_3/width_16k/average_l0_71"), DictionaryForm.Scope1)
        );
        Assert.Contains("z.3", error.Message);
        DictionaryWriter.Write(source, _folder.File("gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71"), DictionaryForm.Scope1);
        using var written = SparseDictionary.Load(_folder.File("gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71"));
        Assert.Equal(source.InputSite, written.InputSite);
    }

    [Fact]
    public void matrices_in_bf16_are_half_as_large_and_no_more_than_rounded()
    {
        using var source = Load("gs2_sae");
        Assert.Throws<ArgumentProblemException>(() =>
            DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.Scope1, new() { Type = DType.BF16 })
        );
        Assert.Throws<ArgumentProblemException>(() =>
            DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.Scope2, new() { Type = DType.F16 })
        );
        DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.Scope2, new() { Type = DType.BF16 });
        using var written = SparseDictionary.Load(_folder.File("a"));
        Assert.Equal(DType.BF16, written.Origin.Type);
        var (before, after) = (new float[source.OutputWidth], new float[source.OutputWidth]);
        source.Decoder(3, before);
        written.Decoder(3, after);
        Assert.Equal(before.Select(Conversions.RoundToBF16), after);
    }

    [Fact]
    public void nothing_is_overwritten_unless_it_may_be()
    {
        using var source = Load("gs2_sae");
        DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.Scope2);
        Assert.Contains(
            "Overwrite",
            Assert.Throws<ArgumentProblemException>(() => DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.Scope2)).Message
        );
        DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.Scope2, new() { Overwrite = true });
        Assert.Contains(
            "another form",
            Assert
                .Throws<ArgumentProblemException>(() =>
                    DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.SaeLens, new() { Overwrite = true })
                )
                .Message
        );
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder.Path));
        Assert.Equal(["config.json", "params.safetensors"], Directory.GetFiles(_folder.File("a")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void what_is_stopped_leaves_nothing_behind()
    {
        using var source = Load("gs2_sae");
        Assert.ThrowsAny<OperationCanceledException>(() =>
            DictionaryWriter.Write(source, _folder.File("a"), DictionaryForm.SaeLens, cancellationToken: new(true))
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    private static SparseDictionary Load(string name) =>
        SparseDictionary.Load(Fixtures.Path("dictionaries", Cases.Single(one => one.Text("name") == name).Text("path")!));

    /// <summary>Why a form has no place for a case, by the case's description; null if it has one.</summary>
    private static string? Obstacle(string name, DictionaryForm form)
    {
        var one = Cases.Single(one => one.Text("name") == name);
        if (form == DictionaryForm.SaeLens)
            return one.Has("n_layers") ? "several layers"
                : name == "gs1_threshold_edges" ? "below 0"
                : null;
        if (one.Has("n_layers"))
            return form == DictionaryForm.Scope1 ? "several layers" : null;
        if (one.Text("activation") is "topk" or "gated")
            return "only JumpReLU";
        if (one.Text("normalisation") is "constant_norm_rescale" or "layer_norm")
            return "row by row";
        if (one.Integer("d_in") != one.Integer("d_out"))
            return "must be equal";
        if (form == DictionaryForm.Scope1)
            return one.Has("skip") ? "skip connection" : null;
        return name == "gs1_transcoder" ? "ln2_normalized" : null;
    }

    private static void AreAlike(
        SparseDictionary source,
        SparseDictionary written,
        SafetensorsFile golden,
        Func<int, float, float>? scaled = null
    )
    {
        var stored = golden["x"];
        var x = stored.Reshape(stored.Shape[0], stored.Length / stored.Shape[0]).AsMatrix();
        var (want, got) = (source.Encode(x), written.Encode(x));
        for (var row = 0; row < x.Rows; row++)
        {
            Assert.Equal(want.Indices(row).ToArray(), got.Indices(row).ToArray());
            var values = want.Values(row).ToArray();
            if (scaled is not null)
                values = [.. values.Zip(want.Indices(row).ToArray(), (value, feature) => scaled(feature, value))];
            AreNear(values, got.Values(row));
        }
        using Tensor before = source.Decode(want, x),
            after = written.Decode(got, x);
        Assert.InRange(Golden.RowError(after.AsMatrix(), before.AsMatrix()), 0, Tolerance);
    }

    private static void AreNear(ReadOnlySpan<float> want, ReadOnlySpan<float> got)
    {
        Assert.Equal(want.Length, got.Length);
        var largest = 0f;
        foreach (var value in want)
            largest = Math.Max(largest, Math.Abs(value));
        for (var i = 0; i < want.Length; i++)
            Assert.InRange(Math.Abs(want[i] - got[i]), 0, Tolerance * largest);
    }

    private static double Norm(float[] vector) => Math.Sqrt(vector.Sum(value => (double)value * value));
}
