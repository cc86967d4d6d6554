using System.Reflection;
using System.Runtime.CompilerServices;

namespace GemmaScope.Tests;

/// <summary>The public surface of an assembly as text: one line for each type and member that a user can see, sorted.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    public static IEnumerable<string> Lines(Assembly assembly) =>
        assembly.GetExportedTypes().SelectMany(type => Members(type).Prepend(Heading(type))).Order(StringComparer.Ordinal);

    private static string Heading(Type type)
    {
        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        var parents = type.IsValueType || type.BaseType is not { } parent || parent == typeof(object) ? [] : new[] { parent };
        var interfaces = type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []);
        var above = string.Join(", ", parents.Select(Name).Concat(interfaces.Select(Name).Order(StringComparer.Ordinal)));
        return $"{FullName(type)}: {kind}{(above == "" ? "" : " : ")}{above}";
    }

    private static IEnumerable<string> Members(Type type) =>
        from member in type.GetMembers(Declared)
        let text = Describe(member)
        where text is not null
        select $"{FullName(type)}.{text}";

    private static string? Describe(MemberInfo member) =>
        member switch
        {
            FieldInfo { IsLiteral: true, DeclaringType.IsEnum: true } field => $"{field.Name} = {field.GetRawConstantValue()}",
            FieldInfo { IsSpecialName: false } field when Visible(field.IsPublic, field.IsFamily || field.IsFamilyOrAssembly, field) =>
                $"{field.Name} -> {Static(field.IsStatic)}{Name(field.FieldType)}",
            PropertyInfo property when property.GetAccessors(true).Any(Visible) =>
                $"{property.Name}{Indices(property)} -> {Static(property.GetAccessors(true)[0].IsStatic)}{Name(property.PropertyType)} {{ "
                    + $"{Accessors(property)} }}",
            EventInfo added when Visible(added.AddMethod!) => $"{added.Name} -> event {Name(added.EventHandlerType!)}",
            ConstructorInfo constructor when Visible(constructor) => $"new({Parameters(constructor.GetParameters())})",
            MethodInfo method when Visible(method) && !Implied(method) =>
                $"{method.Name}{Generics(method)}({Parameters(method.GetParameters())}) -> "
                    + $"{Static(method.IsStatic)}{Name(method.ReturnType)}",
            _ => null,
        };

    private static bool Visible(MethodBase method) => Visible(method.IsPublic, method.IsFamily || method.IsFamilyOrAssembly, method);

    private static bool Visible(bool isPublic, bool isProtected, MemberInfo member) =>
        isPublic || (isProtected && !member.DeclaringType!.IsSealed);

    /// <summary>Accessors are listed with their property; what the compiler writes for every record says nothing.</summary>
    private static bool Implied(MethodInfo method) =>
        (method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal))
        || method.IsDefined(typeof(CompilerGeneratedAttribute), false);

    private static string Static(bool isStatic) => isStatic ? "static " : "";

    private static string Indices(PropertyInfo property) =>
        property.GetIndexParameters() is { Length: > 0 } indices ? $"[{Parameters(indices)}]" : "";

    private static string Accessors(PropertyInfo property) =>
        string.Join(
            " ",
            property
                .GetAccessors(true)
                .Where(Visible)
                .Select(method =>
                    method == property.GetMethod ? "get;"
                    : IsInit(method) ? "init;"
                    : "set;"
                )
        );

    private static bool IsInit(MethodInfo setter) => setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(ParameterInfo[] parameters) =>
        string.Join(
            ", ",
            parameters.Select(parameter =>
                $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.IsOptional ? $" = {Default(parameter)}" : "")}"
            )
        );

    private static string Default(ParameterInfo parameter) =>
        parameter.RawDefaultValue switch
        {
            null => parameter.ParameterType.IsValueType ? "default" : "null",
            string text => $"\"{text}\"",
            IFormattable value => value.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
            var value => $"{value}",
        };

    private static string FullName(Type type) =>
        type.DeclaringType is { } outer ? $"{FullName(outer)}.{Name(type)}" : $"{type.Namespace}.{Name(type)}";

    private static string Name(Type type)
    {
        if (type.IsFunctionPointer)
            return $"delegate*<{string.Join(", ", type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()).Select(Name))}>";
        if (type.HasElementType)
            return Name(type.GetElementType()!)
                + (
                    type.IsArray ? "[]"
                    : type.IsPointer ? "*"
                    : "&"
                );
        var name = type.Name.Split('`')[0];
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
