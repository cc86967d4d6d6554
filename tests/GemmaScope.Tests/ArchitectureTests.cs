using GemmaScope.Numerics;
using GemmaScope.Tests.LayerSamples.Lower;
using Xunit;

namespace GemmaScope.Tests
{
    public class ArchitectureTests
    {
        // The order of data flow: a folder may use those before it.
        private static readonly string[] Folders =
        [
            "Numerics",
            "Files",
            "Text",
            "Models",
            "Dictionaries",
            "Activations",
            "Training",
            "Evaluation",
            "Features",
            "Circuits",
            "Lenses",
            "Behaviour",
            "Safety",
        ];

        [Fact]
        public void a_folder_of_the_library_uses_only_those_before_it() =>
            Assert.Empty(new Layers("GemmaScope", Folders).Violations(typeof(Tensor).Assembly.GetTypes()));

        [Fact]
        public void a_file_declares_the_namespace_of_its_folder()
        {
            var library = Path.Combine(Fixtures.Repository, "src", "GemmaScope");
            var files = Folders
                .Select(folder => Path.Combine(library, folder))
                .Where(Directory.Exists)
                .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
                .ToArray();
            Assert.NotEmpty(files);
            Assert.All(
                files,
                file =>
                {
                    var folder = Path.GetRelativePath(library, file).Split(Path.DirectorySeparatorChar)[0];
                    Assert.Matches($@"(?m)^namespace GemmaScope\.{folder}[.;]", File.ReadAllText(file));
                }
            );
        }

        [Fact]
        public void the_check_notices_the_library_when_its_order_is_turned_round() =>
            Assert.NotEmpty(new Layers("GemmaScope", [.. Folders.Reverse()]).Violations(typeof(Tensor).Assembly.GetTypes()));

        [Fact]
        public void the_check_notices_a_folder_that_is_not_in_the_order() =>
            Assert.Contains(new Layers("GemmaScope", "Files").Violations([typeof(Tensor)]), line => line.Contains("known folders"));

        [Theory]
        [InlineData(typeof(Inherits))]
        [InlineData(typeof(Holds))]
        [InlineData(typeof(Returns))]
        [InlineData(typeof(Takes))]
        [InlineData(typeof(Constrains<>))]
        [InlineData(typeof(Constructs))]
        [InlineData(typeof(Calls))]
        [InlineData(typeof(Reads))]
        [InlineData(typeof(Catches))]
        [InlineData(typeof(Casts))]
        [InlineData(typeof(Names))]
        public void the_check_notices_each_way_of_looking_up(Type type) =>
            Assert.NotEmpty(new Layers("GemmaScope.Tests.LayerSamples", "Lower", "Upper").Violations([type]));

        [Fact]
        public void the_check_looks_into_lambdas_and_iterators()
        {
            var layers = new Layers("GemmaScope.Tests.LayerSamples", "Lower", "Upper");
            var types = typeof(Defers).Assembly.GetTypes().Where(type => type.DeclaringType == typeof(Defers)).ToArray();
            Assert.Equal(2, types.Count(type => layers.Violations([type]).Any()));
        }

        [Fact]
        public void the_check_allows_looking_down() =>
            Assert.Empty(
                new Layers("GemmaScope.Tests.LayerSamples", "Upper", "Lower").Violations(
                    typeof(Inherits).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("GemmaScope.Tests.LayerSamples") == true)
                )
            );
    }
}

// What the checker is tried on: Lower looks up to Upper in one way per class.
namespace GemmaScope.Tests.LayerSamples.Upper
{
    internal class Thing
    {
        public static readonly int Size = Environment.ProcessorCount;

        public static int Count() => Size;
    }

    internal sealed class ThingException : Exception;
}

namespace GemmaScope.Tests.LayerSamples.Lower
{
    using GemmaScope.Tests.LayerSamples.Upper;

    internal sealed class Inherits : Thing;

    internal sealed class Holds
    {
        public List<Thing[]> Things { get; } = null!;
    }

    internal abstract class Returns
    {
        public abstract Dictionary<string, Thing> Get();
    }

    internal abstract class Takes
    {
        public abstract void Set(ref Thing thing);
    }

    internal abstract class Constrains<T>
        where T : Thing;

    internal static class Constructs
    {
        public static object Make() => new Thing();
    }

    internal static class Calls
    {
        public static int Count(int n) =>
            n switch
            {
                0 => 1,
                1 => 2,
                2 => 5,
                3 => 7,
                _ => Thing.Count(),
            };
    }

    internal static class Reads
    {
        public static long Size() => 1L + Thing.Size;
    }

    internal static class Catches
    {
        public static void Try(Action action)
        {
            try
            {
                action();
            }
            catch (ThingException)
            {
                GC.Collect();
            }
        }
    }

    internal static class Casts
    {
        public static bool Is(object o) => o is Thing;
    }

    internal static class Names
    {
        public static string Name() => typeof(Thing).Name;
    }

    internal static class Defers
    {
        public static Func<int, object> Later() => n => n > 0 ? new Thing() : n;

        public static IEnumerable<int> Each()
        {
            yield return Thing.Count();
        }
    }
}
