using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Lenses;

public class LensFileTests
{
    private static Lens Published => LensFile.Read(Fixtures.Path("lens", "pt", "provenance.pt"));

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void a_lens_that_is_written_is_read_again_with_what_is_known_of_it(DType type)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "lens.safetensors");
        using var published = (JacobianLens)Published;
        LensFile.Write(file, published, type);
        using var read = LensFile.ReadJacobian(file);
        Assert.Equal(published.Origin.Prompts, read.Origin.Prompts);
        Assert.Equal(published.Origin.Settings.Count, read.Origin.Settings.Count);
        Assert.Equal(published.Layers, read.Layers);
        Assert.Equal(type, read[0].Type);
        using Tensor want = published[1].ToF32(),
            got = read[1].ToF32();
        for (var i = 0; i < want.Length; i++)
            Assert.Equal(want.AsSpan()[i], got.AsSpan()[i], type == DType.BF16 ? 1e-2 : 1e-6);
        Assert.Contains("exists", Assert.Throws<GemmaScopeException>(() => LensFile.Write(file, published)).Message);
    }

    [Fact]
    public void strings_and_numbers_of_a_published_file_are_kept()
    {
        using var lens = Published;
        Assert.True(lens.Origin.Prompts > 0);
        Assert.NotEmpty(lens.Origin.Settings);
    }

    [Fact]
    public void a_number_too_large_for_the_type_is_refused_and_nothing_is_left()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "lens.safetensors");
        using var lens = new JacobianLens([KeyValuePair.Create(0, Tensor.From([1e6f, 0, 0, 1], 2, 2))], new());
        Assert.Contains("too large for F16", Assert.Throws<ArgumentProblemException>(() => LensFile.Write(file, lens, DType.F16)).Message);
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }

    [Fact]
    public void merging_weights_by_prompts_and_refuses_what_does_not_belong_together()
    {
        using var one = Lens(1, 3);
        using var two = Lens(5, 1);
        using var merged = JacobianLens.Merge([one, two]);
        Assert.Equal(4, merged.Origin.Prompts);
        Assert.Equal(2, merged[0].AsSpan()[0], 1e-6);
        using var unknown = Lens(1, null);
        Assert.Contains("how many prompts", Refusal(one, unknown));
        using var other = Lens(1, 2, ("skip_first", "4"));
        using var own = Lens(1, 2, ("skip_first", "16"));
        Assert.Contains("skip_first", Refusal(own, other));
        using var wide = new JacobianLens([KeyValuePair.Create(0, Tensor.Zeros(3, 3))], new() { Prompts = 1 });
        Assert.Contains("3 wide", Refusal(one, wide));
        using var deep = new JacobianLens([KeyValuePair.Create(1, Tensor.Zeros(2, 2))], new() { Prompts = 1 });
        Assert.Contains("layers", Refusal(one, deep));

        static JacobianLens Lens(float value, int? prompts, params (string Key, string Value)[] settings) =>
            new(
                [KeyValuePair.Create(0, Tensor.From([value, 0, 0, value], 2, 2))],
                new() { Prompts = prompts, Settings = settings.ToDictionary(one => one.Key, one => one.Value) }
            );

        static string Refusal(params JacobianLens[] lenses) =>
            Assert.Throws<ArgumentProblemException>(() => JacobianLens.Merge(lenses)).Message;
    }

    [Fact]
    public void a_lens_of_another_width_or_depth_is_refused_for_a_model()
    {
        using var model = GemmaModel.Load(Fixtures.Path("host", "gemma3-text"));
        using var wide = LensFile.Read(Fixtures.Path("lens", "pt", "float32.pt"));
        Assert.Contains("48 numbers, this model has 40", Assert.Throws<ArgumentProblemException>(() => wide.Check(model.Config)).Message);
        using var deep = new JacobianLens([KeyValuePair.Create(7, Tensor.Zeros(40, 40))], new());
        Assert.Contains("layer 7", Assert.Throws<ArgumentProblemException>(() => deep.Check(model.Config)).Message);
    }

    [Theory]
    [InlineData("float32.pt")]
    [InlineData("gap.pt")]
    public void damaged_files_are_refused_or_read_and_never_crash(string name)
    {
        var bytes = File.ReadAllBytes(Fixtures.Path("lens", "pt", name));
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "lens.pt");
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var damaged = i % 4 == 0 ? bytes[..random.Next(bytes.Length)] : [.. bytes];
            for (var j = 0; j < 3 && damaged.Length > 0; j++)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(file, damaged);
            try
            {
                LensFile.Read(file).Dispose();
            }
            catch (GemmaScopeException)
            {
                // Refused.
            }
        }
    }
}
