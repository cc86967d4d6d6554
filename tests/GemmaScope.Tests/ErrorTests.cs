using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests;

public class ErrorTests
{
    [Fact]
    public void every_error_type_of_the_library_derives_from_the_one_base() =>
        Assert.All(
            typeof(Tensor).Assembly.GetTypes().Where(t => t.IsAssignableTo(typeof(Exception))),
            t => Assert.True(t.IsAssignableTo(typeof(GemmaScopeException)), t.FullName)
        );
}
