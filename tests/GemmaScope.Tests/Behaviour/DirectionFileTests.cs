using GemmaScope.Behaviour;
using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public class DirectionFileTests
{
    private static readonly float[] Vector = [1, -2, 0.5f, 0];

    [Theory]
    [InlineData("direction.pt")]
    [InlineData("direction.safetensors")]
    [InlineData("own.npy")]
    public void a_direction_comes_back_with_its_place(string name)
    {
        using var folder = new TemporaryFolder();
        DirectionFile.Write(folder.File(name), new(Vector, 10, -2));
        var read = DirectionFile.Read(folder.File(name));
        Assert.Equal(Vector, read.Vector.ToArray());
        Assert.Equal((10, -2), (read.Layer, read.Position));
        Assert.Throws<GemmaScopeException>(() => DirectionFile.Write(folder.File(name), new(Vector, 10, -2)));
    }

    [Fact]
    public void metadata_lie_where_the_public_program_looks_for_them()
    {
        using var folder = new TemporaryFolder();
        DirectionFile.Write(folder.File("direction.pt"), new(Vector, 10, -2));
        Assert.Equal("""{"pos":-2,"layer":10}""", File.ReadAllText(folder.File("direction_metadata.json")));
    }

    [Fact]
    public void a_direction_without_metadata_has_no_place()
    {
        using var folder = new TemporaryFolder();
        DirectionFile.Write(folder.File("a.npy"), new(Vector, null, null));
        Assert.Null(DirectionFile.Read(folder.File("a.npy")).Layer);
    }

    [Fact]
    public void of_directions_of_all_places_the_metadata_name_one()
    {
        using var folder = new TemporaryFolder();
        // [positions 2, layers 3, d 2]
        using var all = Tensor.From([.. Enumerable.Range(1, 12).Select(value => (float)value)], 2, 3, 2);
        NpyWriter.Write(folder.File("mean_diffs.npy"), all);
        var nameless = Assert.Throws<FileFormatException>(() => DirectionFile.Read(folder.File("mean_diffs.npy")));
        Assert.Contains("mean_diffs_metadata.json", nameless.Message);
        File.WriteAllText(folder.File("mean_diffs_metadata.json"), """{"pos": -1, "layer": 1}""");
        Assert.Equal([9, 10], DirectionFile.Read(folder.File("mean_diffs.npy")).Vector.ToArray());
        File.WriteAllText(folder.File("mean_diffs_metadata.json"), """{"pos": -3, "layer": 1}""");
        Assert.Contains("2 positions", Assert.Throws<FileFormatException>(() => DirectionFile.Read(folder.File("mean_diffs.npy"))).Message);
    }

    [Fact]
    public void what_is_no_direction_is_refused()
    {
        using var folder = new TemporaryFolder();
        using Tensor zero = Tensor.Zeros(4),
            matrix = Tensor.Zeros(2, 2),
            endless = Tensor.From([float.PositiveInfinity], 1);
        foreach (var (name, tensor) in ((string, Tensor)[])[("zero", zero), ("matrix", matrix), ("endless", endless)])
        {
            NpyWriter.Write(folder.File($"{name}.npy"), tensor);
            Assert.Throws<FileFormatException>(() => DirectionFile.Read(folder.File($"{name}.npy")));
        }
        File.WriteAllText(folder.File("text.pt"), "no tensors");
        Assert.Throws<FileFormatException>(() => DirectionFile.Read(folder.File("text.pt")));
        Assert.Throws<ArgumentProblemException>(() => DirectionFile.Read(folder.File("direction.bin")));
    }

    [Fact]
    public void the_real_direction_of_the_public_program_is_read()
    {
        var read = DirectionFile.Read(SharedData.File("artefacts", "refusal-direction-gemma-2b-it.pt"));
        Assert.Equal(2048, read.Vector.Length);
        Assert.Equal((10, -2), (read.Layer, read.Position));
    }

    [Fact]
    public void a_direction_of_another_width_is_refused_by_an_edit()
    {
        using var model = GemmaScope.Models.GemmaModel.Load(Fixtures.Model("demo-pt"));
        var problem = Assert.Throws<ArgumentProblemException>(() => DirectionEdits.AblateWritten(model.Config, Vector));
        Assert.Contains("4 numbers", problem.Message);
        Assert.Throws<ArgumentProblemException>(() => DirectionEdits.Add(model.Config, 99, new float[model.Config.Width]));
    }
}
